#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "moldau/client/group_member.hpp"
#include "tests/client/playground.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const topic_partition first{"t", partition_id(0)};
const topic_partition second{"t", partition_id(1)};

class ClientStatistics : public ::testing::Test {
 protected:
  template <typename T>
  result<T> wait(async<T> what) {
    return in.run([](async<T> inner) -> rt::task<result<T>> { co_return co_await std::move(inner); }(std::move(what)));
  }
  producer make_producer(producer_options options = {}) {
    options.client = in.to_cluster();
    options.linger_ms = 0;
    return producer::make(std::move(options)).value();
  }
  consumer make_consumer(consumer_options options = {}) {
    options.client = in.to_cluster();
    options.group_id = "g";
    options.offset_reset = offset_reset::earliest;
    options.auto_commit = false;
    return consumer::make(std::move(options)).value();
  }
  /// Polls until so many records have come, or a minute is over.
  std::size_t read(consumer& from, std::size_t count) {
    std::size_t out = 0;
    const auto until = in.world().now() + 60s;
    while (out < count && in.world().now() < until) {
      if (const auto got = wait(from.poll(500ms))) out += got->records();
    }
    return out;
  }
  static partition_statistics of(const statistics& in, const topic_partition& which) {
    for (const partition_statistics& each : in.partitions) {
      if (each.partition == which) return each;
    }
    ADD_FAILURE() << "no figures of partition " << which.partition.value();
    return {};
  }

  playground in{{.brokers = 3, .topics = {{.name = "t", .partitions = 2}}}};
};

TEST_F(ClientStatistics, AProducerCountsWhatItDelivered) {
  auto p = make_producer();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(wait(p.send({.topic = "t", .partition = first.partition, .value = as_bytes("value")})));
  }
  ASSERT_TRUE(wait(p.send({.topic = "t", .partition = second.partition, .value = as_bytes("value")})));
  const statistics got = wait(p.statistics()).value();
  EXPECT_EQ(got.kind, "producer");
  EXPECT_EQ(got.client_id, "app");
  EXPECT_EQ(got.cluster_id, "fake-cluster");
  EXPECT_EQ(of(got, first).sent_records, 3U);
  EXPECT_EQ(of(got, first).batches, 3U);
  EXPECT_GT(of(got, first).sent_bytes, 3U * 61);
  EXPECT_EQ(of(got, first).leader, in.cluster().leader(first));
  EXPECT_EQ(of(got, second).sent_records, 1U);
  EXPECT_EQ(of(got, second).retries, 0U);
  EXPECT_EQ(got.failed_records, 0U);
  EXPECT_EQ(got.delivery_time.count, 4U);
  EXPECT_GT(got.delivery_time.total_us, 0);
  EXPECT_GT(got.delivery_time.recent_us, 0);
  EXPECT_LE(got.delivery_time.recent_us, static_cast<double>(got.delivery_time.longest_us));
  EXPECT_EQ(got.buffered_records, 0U);
  EXPECT_EQ(got.buffered_bytes, 0U);
  std::uint64_t responses = 0;
  for (const broker_statistics& broker : got.brokers) responses += broker.responses;
  EXPECT_GE(responses, in.cluster().count(api::produce));
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientStatistics, AProducerCountsWhatWaits) {
  in.cluster().inject({.what = fault::kind::delay, .of = api::produce, .by = 1s});
  auto p = make_producer();
  auto under_way = p.send({.topic = "t", .partition = first.partition, .value = as_bytes("value")});
  auto unknown = p.send({.topic = "nowhere", .value = as_bytes("value")});
  ASSERT_TRUE(in.simulator().run_until([&] { return in.cluster().end_offset(first) == offset(1); }, 10s));
  const statistics got = wait(p.statistics()).value();
  EXPECT_EQ(of(got, first).queued_records, 1U);
  EXPECT_GT(of(got, first).queued_bytes, 0U);
  EXPECT_EQ(of(got, first).sent_records, 0U);
  EXPECT_GE(got.buffered_records, 1U);
  EXPECT_GT(got.buffered_bytes, 0U);
  EXPECT_TRUE(wait(std::move(under_way)));
  EXPECT_FALSE(wait(std::move(unknown)));
  const statistics later = wait(p.statistics()).value();
  EXPECT_EQ(later.buffered_records, 0U);
  EXPECT_EQ(later.failed_records, 1U) << "one whose topic isn't there";
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientStatistics, AProducerCountsRetriesAndFailures) {
  auto p = make_producer();
  in.cluster().inject({.what = fault::kind::error, .of = api::produce, .times = 2, .code = errc::not_enough_replicas});
  ASSERT_TRUE(wait(p.send({.topic = "t", .partition = first.partition, .value = as_bytes("value")})));
  in.cluster().inject({.what = fault::kind::error, .of = api::produce, .code = errc::invalid_record});
  ASSERT_FALSE(wait(p.send({.topic = "t", .partition = first.partition, .value = as_bytes("value")})));
  const statistics got = wait(p.statistics()).value();
  EXPECT_EQ(of(got, first).retries, 2U);
  EXPECT_EQ(of(got, first).batches, 2U);
  EXPECT_EQ(of(got, first).sent_records, 1U);
  EXPECT_EQ(of(got, first).failed_records, 1U);
  EXPECT_EQ(got.failed_records, 1U);
  EXPECT_THAT(to_prometheus(got),
              HasSubstr("moldau_client_producer_retries_total{client_id=\"app\",kind=\"producer\",topic=\"t\","
                        "partition=\"0\"} 2\n"));
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientStatistics, AConsumerCountsWhatItReadAndWhereItIs) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(in.cluster().append(first, {.value = "value"}));
  auto c = make_consumer({.poll_records_max = 2});
  ASSERT_TRUE(wait(c.subscribe({"t"})));
  ASSERT_EQ(read(c, 2), 2U);
  ASSERT_TRUE(wait(c.commit()));
  const statistics got = wait(c.statistics()).value();
  EXPECT_EQ(got.kind, "consumer");
  EXPECT_EQ(got.group_id, "g");
  EXPECT_EQ(got.group_state, "stable");
  EXPECT_EQ(got.rebalances, 1U);
  EXPECT_EQ(of(got, first).received_records, 2U);
  EXPECT_GT(of(got, first).received_bytes, 5U * 61) << "all five were fetched";
  EXPECT_EQ(of(got, first).position, offset(2));
  EXPECT_EQ(of(got, first).committed, offset(2));
  EXPECT_EQ(of(got, first).high_watermark, offset(5));
  EXPECT_EQ(of(got, first).lag, 3);
  EXPECT_GT(got.prefetched_bytes, 0U);
  EXPECT_EQ(of(got, second).received_records, 0U);

  ASSERT_EQ(read(c, 3), 3U);
  const statistics later = wait(c.statistics()).value();
  EXPECT_EQ(of(later, first).lag, 0);
  EXPECT_EQ(of(later, first).committed, offset(2));
  EXPECT_EQ(later.prefetched_bytes, 0U);
  EXPECT_THAT(to_prometheus(later),
              HasSubstr("moldau_client_consumer_position{client_id=\"app\",kind=\"consumer\",topic=\"t\","
                        "partition=\"0\"} 5\n"));
  EXPECT_THAT(to_prometheus(later),
              HasSubstr("consumer_group_stable{client_id=\"app\",kind=\"consumer\",group=\"g\"} 1"));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientStatistics, ASeekKeepsAConsumersCounts) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(in.cluster().append(first, {.value = "value"}));
  auto c = make_consumer();
  ASSERT_TRUE(wait(c.assign({first})));
  ASSERT_EQ(read(c, 3), 3U);
  ASSERT_TRUE(wait(c.seek(first, offset(1))));
  ASSERT_EQ(read(c, 2), 2U);
  EXPECT_EQ(of(wait(c.statistics()).value(), first).received_records, 5U);
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientStatistics, ARebalanceIsCounted) {
  auto c = make_consumer();
  ASSERT_TRUE(wait(c.subscribe({"t"})));
  static_cast<void>(wait(c.poll(2s)));
  const std::uint64_t before = wait(c.statistics()).value().rebalances;
  in.cluster().rebalance("g");
  for (int i = 0; i < 10; ++i) static_cast<void>(wait(c.poll(1s)));
  EXPECT_EQ(wait(c.statistics()).value().rebalances, before + 1);
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientStatistics, ComeByThemselvesAtEveryIntervalUntilTheClientIsClosed) {
  std::map<std::string, int> times;
  std::map<std::string, statistics> last;
  auto settings = in.to_cluster();
  settings.statistics_interval_ms = 1'000;
  settings.on_statistics = [&](const statistics& now) {
    ++times[now.kind];
    last[now.kind] = now;
  };
  auto p = producer::make({.client = settings, .linger_ms = 0}).value();
  auto c = consumer::make({.client = settings, .group_id = "g"}).value();
  ASSERT_TRUE(wait(p.send({.topic = "t", .partition = first.partition, .value = as_bytes("value")})));
  ASSERT_TRUE(wait(c.assign(std::map<topic_partition, offset>{{first, offset(0)}})));
  ASSERT_EQ(read(c, 1), 1U);
  times.clear();
  in.simulator().run_for(10s);
  EXPECT_NEAR(times["producer"], 10, 1);
  EXPECT_NEAR(times["consumer"], 10, 1);
  EXPECT_EQ(of(last["producer"], first).sent_records, 1U);
  EXPECT_EQ(of(last["consumer"], first).position, offset(1));
  ASSERT_TRUE(wait(p.close()));
  ASSERT_TRUE(wait(c.close()));
  times.clear();
  in.simulator().run_for(10s);
  EXPECT_TRUE(times.empty());
}

/// A member that has nothing to divide.
class idle_work final : public group_work {
 public:
  std::vector<group_protocol> protocols() override { return {{.name = "idle", .metadata = {}}}; }
  result<std::map<std::string, shared_bytes>> lead(const std::string&, const std::vector<group_peer>&) override {
    return std::map<std::string, shared_bytes>();
  }
  result<void> joined(const group_part&) override { return {}; }
};

TEST_F(ClientStatistics, AMemberOfAGroupCountsItsRounds) {
  auto m = group_member::make({.client = in.to_cluster(), .group_id = "workers", .protocol_type = "idle"},
                              std::make_shared<idle_work>())
               .value();
  EXPECT_EQ(wait(m.statistics()).value().group_state, "");
  ASSERT_TRUE(wait(m.join()));
  const statistics got = wait(m.statistics()).value();
  EXPECT_EQ(got.kind, "member");
  EXPECT_EQ(got.group_state, "stable");
  EXPECT_EQ(got.rebalances, 1U);
  EXPECT_TRUE(wait(m.close()));
}

}  // namespace
}  // namespace moldau::client
