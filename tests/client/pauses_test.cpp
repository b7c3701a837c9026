#include <gtest/gtest.h>

#include <set>
#include <string>

#include "bytes/endian.hpp"
#include "tests/client/playground.hpp"

/// What clients do when a broker asks for a pause (KIP-219), or takes nothing for long (KIP-794).
namespace moldau::client {
namespace {

using namespace std::chrono_literals;

constexpr std::int32_t pause_ms = 5'000;

/// In front of a flexible answer's body: length, correlation id, no tags.
constexpr std::size_t body_at = 9;

void ask_in_front(std::vector<std::byte>& answer) {
  bytes::store_be(answer.data() + body_at, pause_ms);
}
/// An answer to Produce says it last, before its tags.
void ask_behind(std::vector<std::byte>& answer) {
  bytes::store_be(answer.data() + answer.size() - 5, pause_ms);
}

class ClientPauses : public ::testing::Test {
 protected:
  template <typename T>
  result<T> wait(async<T> what) {
    return in.run([](async<T> inner) -> rt::task<result<T>> { co_return co_await std::move(inner); }(std::move(what)));
  }
  client_options patient() {
    client_options out = in.to_cluster();
    out.request_timeout_ms = 20'000;
    return out;
  }
  /// How many more of those requests come within a time.
  std::size_t more_within(api of, rt::duration time) {
    const std::size_t before = in.cluster().count(of);
    in.simulator().run_for(time);
    return in.cluster().count(of) - before;
  }

  playground in{{.brokers = 2, .topics = {{.name = "t", .partitions = 4}}}};
};

TEST_F(ClientPauses, AConsumerFetchesNothingWhileItIsThrottled) {
  in.cluster().inject({.what = fault::kind::change, .of = api::fetch, .times = 1, .change = ask_in_front});
  const topic_partition first{"t", partition_id(0)};
  auto c = consumer::make({.client = patient(), .auto_commit = false, .fetch_max_wait_ms = 100}).value();
  ASSERT_TRUE(wait(c.assign(std::map<topic_partition, offset>{{first, offset(0)}})));
  ASSERT_TRUE(in.simulator().run_until([&] { return in.cluster().count(api::fetch) > 0; }, 10s));
  EXPECT_EQ(more_within(api::fetch, 4'500ms), 0U);
  EXPECT_GE(more_within(api::fetch, 2s), 5U);
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientPauses, AProducerSendsNothingWhileItIsThrottled) {
  in.cluster().inject({.what = fault::kind::change, .of = api::produce, .times = 1, .change = ask_behind});
  auto p = producer::make({.client = patient(), .linger_ms = 0}).value();
  const auto send = [&] { return p.send({.topic = "t", .partition = partition_id(0), .value = as_bytes("a")}); };
  ASSERT_TRUE(wait(send()));
  auto second = send();
  EXPECT_EQ(more_within(api::produce, 4'500ms), 0U);
  EXPECT_FALSE(second.is_ready());
  EXPECT_EQ(more_within(api::produce, 2s), 1U);
  EXPECT_TRUE(wait(std::move(second)));
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientPauses, ACommitWaitsWhileTheCoordinatorThrottles) {
  in.cluster().inject({.what = fault::kind::change, .of = api::offset_commit, .times = 1, .change = ask_in_front});
  const topic_partition first{"t", partition_id(0)};
  auto c = consumer::make({.client = patient(), .group_id = "g", .auto_commit = false}).value();
  const std::map<topic_partition, committed_offset> what{{first, {.offset = offset(0), .metadata = {}}}};
  ASSERT_TRUE(wait(c.commit(what)));
  auto second = c.commit(what);
  EXPECT_EQ(more_within(api::offset_commit, 4'500ms), 0U);
  EXPECT_TRUE(wait(std::move(second)));
  EXPECT_EQ(in.cluster().count(api::offset_commit), 2U);
  EXPECT_TRUE(wait(c.close()));
}

class ClientAvailability : public ClientPauses {
 protected:
  void open(std::int64_t availability_timeout_ms, bool adaptive = true) {
    made.emplace(producer::make({.client = patient(),
                                 .linger_ms = 0,
                                 .batch_bytes = 100,
                                 .adaptive_partitioning = adaptive,
                                 .availability_timeout_ms = availability_timeout_ms,
                                 .delivery_timeout_ms = 120'000,
                                 .in_flight_max = 1,
                                 .on_delivery =
                                     [this](const delivery_report& done) {
                                       if (done.error == nullptr) delivered.insert(done.tag);
                                     }})
                     .value());
  }
  /// Sends so many without a key, one every 50 ms, and tells how many of them got through.
  std::size_t get_through(std::uint64_t count) {
    const std::uint64_t from = next_;
    for (; next_ < from + count; ++next_) {
      EXPECT_TRUE(made->send({.topic = "t", .value = as_bytes(std::string(60, 'x'))}, next_));
      in.simulator().run_for(50ms);
    }
    in.simulator().run_for(500ms);
    return static_cast<std::size_t>(std::distance(delivered.lower_bound(from), delivered.end()));
  }
  void silence_the_second_broker() {
    in.cluster().inject({.what = fault::kind::hang, .of = api::produce, .on = broker_id(2), .times = 1});
  }

  std::optional<producer> made;
  std::set<std::uint64_t> delivered;

 private:
  std::uint64_t next_ = 0;
};

TEST_F(ClientAvailability, RecordsWithoutAKeyAvoidABrokerThatTakesNothing) {
  open(1'000);
  silence_the_second_broker();
  // Until it has been silent for a second some go there.
  EXPECT_LT(get_through(100), 100U);
  EXPECT_EQ(get_through(100), 100U);
  // Its time-out ends that connection, and it is a broker like the other again.
  in.simulator().run_for(20s);
  EXPECT_EQ(delivered.size(), 200U);
  const auto on_second = [&] {
    std::size_t out = 0;
    for (std::int32_t p = 0; p < 4; ++p) {
      const topic_partition of{"t", partition_id(p)};
      if (in.cluster().leader(of) == broker_id(2)) out += values_of(in.cluster(), of).size();
    }
    return out;
  };
  const std::size_t before = on_second();
  EXPECT_EQ(get_through(60), 60U);
  EXPECT_GT(on_second(), before + 5);
  EXPECT_TRUE(wait(made->close()));
}

TEST_F(ClientAvailability, ItIsOnlyWithATimeoutThatTheyDo) {
  open(0, false);
  silence_the_second_broker();
  static_cast<void>(get_through(60));
  EXPECT_LT(get_through(100), 80U);
  EXPECT_TRUE(wait(made->close()));
}

TEST_F(ClientAvailability, ItIsOnlyWithAdaptivePartitioningThatTheyDo) {
  open(1'000, false);
  silence_the_second_broker();
  static_cast<void>(get_through(60));
  EXPECT_LT(get_through(100), 80U);
  EXPECT_TRUE(wait(made->close()));
}

}  // namespace
}  // namespace moldau::client
