#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/client/playground.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const topic_partition first_partition{"t", partition_id(0)};
const std::vector<std::string> topics{"t"};

outgoing_record to_first(std::string_view value) {
  return {.topic = "t", .partition = partition_id(0), .value = as_bytes(value)};
}

/// Sends values one after another without waiting, then waits for all.
rt::task<std::vector<result<delivery>>> send_all(producer& to, std::vector<std::string> values) {
  std::vector<async<delivery>> open;
  for (const std::string& value : values) open.push_back(to.send(to_first(value)));
  std::vector<result<delivery>> out;
  for (auto& one : open) out.push_back(co_await std::move(one));
  co_return out;
}

class ClientFaults : public ::testing::Test {
 protected:
  producer make_producer(producer_options options = {}) {
    options.client = in.to_cluster();
    options.linger_ms = 0;
    return producer::make(std::move(options)).value();
  }
  consumer make_consumer(std::string group) {
    return consumer::make({.client = in.to_cluster(),
                           .group_id = std::move(group),
                           .offset_reset = offset_reset::earliest,
                           .auto_commit = false,
                           .session_timeout_ms = 10'000,
                           .heartbeat_interval_ms = 1'000})
        .value();
  }
  template <typename T>
  result<T> wait(async<T> what) {
    return in.run([](async<T> inner) -> rt::task<result<T>> { co_return co_await std::move(inner); }(std::move(what)));
  }
  /// What the next records of the consumer are; nothing comes for longer than a minute.
  std::vector<std::string> read(consumer& from, std::size_t count) {
    std::vector<std::string> out;
    const auto until = in.world().now() + 60s;
    while (out.size() < count && in.world().now() < until) {
      const auto got = wait(from.poll(500ms));
      if (!got) {
        out.push_back("error: " + got.error().message);
        break;
      }
      for (const auto& batch : got->batches) {
        for (const auto& record : batch) out.emplace_back(as_text(record.value.value_or(bytes_view())));
      }
    }
    return out;
  }

  playground in{{.brokers = 3, .topics = {{.name = "t", .partitions = 3}}}};
};

TEST_F(ClientFaults, ARetryAfterALostAnswerNeitherDoublesNorReordersRecords) {
  auto p = make_producer({.batch_bytes = 1});
  for (std::size_t skip = 0; skip < 5; ++skip) {
    in.cluster().inject({.what = fault::kind::cut_response, .of = api::produce, .skip = skip});
  }
  std::vector<std::string> values;
  for (int i = 0; i < 50; ++i) values.push_back(std::to_string(i));
  for (const auto& done : in.run(send_all(p, values))) ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(values_of(in.cluster(), first_partition), values);
  EXPECT_EQ(in.cluster().faults_left(), 0U);
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientFaults, AnErrorAfterTheAppendDoesNotDoubleTheRecord) {
  auto p = make_producer();
  in.cluster().inject({.what = fault::kind::error,
                       .of = api::produce,
                       .times = 3,
                       .code = errc::request_timed_out,
                       .carried_out = true});
  const auto done = in.run(send_all(p, {"a", "b"}));
  ASSERT_TRUE(done[0]) << done[0].error().message;
  EXPECT_THAT(values_of(in.cluster(), first_partition), ElementsAre("a", "b"));
  EXPECT_EQ(done[0]->offset, offset(0));
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientFaults, AnErrorThatStaysIsReportedAsItIs) {
  for (const errc code : {errc::topic_authorization_failed, errc::invalid_record, errc::message_too_large,
                          errc::unsupported_for_message_format, errc::invalid_required_acks}) {
    auto p = make_producer();
    in.cluster().inject({.what = fault::kind::error, .of = api::produce, .times = 1, .code = code});
    const auto done = in.run(send_all(p, {"lost"}));
    ASSERT_FALSE(done[0]) << name(code);
    EXPECT_EQ(done[0].error().code, code);
    EXPECT_NE(done[0].error().message, "");
    // The producer goes on.
    const auto next = in.run(send_all(p, {"next"}));
    EXPECT_TRUE(next[0]) << name(code) << ": " << next[0].error().message;
    EXPECT_TRUE(wait(p.close()));
  }
  EXPECT_THAT(values_of(in.cluster(), first_partition), ElementsAre("next", "next", "next", "next", "next"));
}

TEST_F(ClientFaults, ARecordThatIsTooLargeFailsAloneAndAtOnce) {
  auto p = make_producer(
      producer_options::from_properties({{"bootstrap.servers", "replaced:1"}, {"max.request.size", "1000"}}).value());
  const auto done = in.run(send_all(p, {"a", std::string(2000, 'x'), "b"}));
  EXPECT_TRUE(done[0]);
  ASSERT_FALSE(done[1]);
  EXPECT_EQ(done[1].error().code, errc::message_too_large);
  EXPECT_TRUE(done[2]);
  EXPECT_THAT(values_of(in.cluster(), first_partition), ElementsAre("a", "b"));
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientFaults, ARecordThatTheTopicFindsTooLargeFailsAndOthersGoOn) {
  ASSERT_TRUE(in.cluster().create_topic({.name = "small", .configs = {{"max.message.bytes", "500"}}}));
  auto p = make_producer();
  const std::string large(2000, 'x');
  const auto refused = wait(p.send({.topic = "small", .value = as_bytes(large)}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::message_too_large);
  const auto fine = wait(p.send({.topic = "small", .value = as_bytes("b")}));
  EXPECT_TRUE(fine) << fine.error().message;
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientFaults, AFullDiskIsWaitedForAndThenReported) {
  auto p = make_producer({.delivery_timeout_ms = 20'000});
  for (std::int32_t id = 1; id <= 3; ++id) ASSERT_TRUE(in.cluster().set_disk_full(broker_id(id), true));
  auto open = p.send(to_first("a"));
  in.simulator().run_for(5s);
  EXPECT_FALSE(open.is_ready());
  for (std::int32_t id = 1; id <= 3; ++id) ASSERT_TRUE(in.cluster().set_disk_full(broker_id(id), false));
  EXPECT_TRUE(wait(std::move(open)));

  for (std::int32_t id = 1; id <= 3; ++id) ASSERT_TRUE(in.cluster().set_disk_full(broker_id(id), true));
  const auto before = in.world().now();
  const auto lost = wait(p.send(to_first("b")));
  ASSERT_FALSE(lost);
  EXPECT_GE(in.world().now() - before, 15s);
  EXPECT_LE(in.world().now() - before, 30s);
  EXPECT_NE(lost.error().message, "");
  EXPECT_THAT(values_of(in.cluster(), first_partition), ElementsAre("a"));
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientFaults, RecordsFollowALeaderThatMovesInTheirOrder) {
  auto p = make_producer({.batch_bytes = 1});
  std::vector<std::string> values;
  std::vector<async<delivery>> open;
  for (int i = 0; i < 60; ++i) {
    values.push_back(std::to_string(i));
    open.push_back(p.send(to_first(values.back())));
    if (i % 10 == 5) ASSERT_TRUE(in.cluster().move_leader(first_partition, broker_id(i / 10 % 3 + 1)));
    in.simulator().run_for(2ms);
  }
  for (auto& one : open) {
    const auto done = wait(std::move(one));
    ASSERT_TRUE(done) << done.error().message;
  }
  EXPECT_EQ(values_of(in.cluster(), first_partition), values);
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientFaults, ASlowBrokerDoesNotHoldUpTheOthers) {
  auto p = make_producer();
  ASSERT_TRUE(wait(p.partitions_of("t")));
  in.cluster().inject(
      {.what = fault::kind::delay, .of = api::produce, .on = in.cluster().leader(first_partition), .by = 1500ms});
  auto slow = p.send(to_first("slow"));
  const auto before = in.world().now();
  const auto fast = wait(p.send({.topic = "t", .partition = partition_id(1), .value = as_bytes("fast")}));
  EXPECT_TRUE(fast);
  EXPECT_LT(in.world().now() - before, 1s);
  EXPECT_FALSE(slow.is_ready());
  EXPECT_TRUE(wait(std::move(slow)));
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientFaults, AMemberFollowsItsCoordinator) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(in.cluster().append(first_partition, {.value = std::to_string(i)}));
  auto c = make_consumer("g");
  ASSERT_TRUE(wait(c.subscribe(topics)));
  EXPECT_THAT(read(c, 3), ElementsAre("0", "1", "2"));
  for (std::int32_t to = 1; to <= 3; ++to) {
    ASSERT_TRUE(in.cluster().move_coordinator("g", broker_id(to)));
    const auto done = wait(c.commit());
    EXPECT_TRUE(done) << done.error().message;
    in.simulator().run_for(5s);
    ASSERT_TRUE(in.cluster().append(first_partition, {.value = "then"}));
    EXPECT_THAT(read(c, 1), ElementsAre("then"));
  }
  EXPECT_TRUE(wait(c.close()));
  EXPECT_EQ(in.cluster().group("g").state, "Empty");
}

TEST_F(ClientFaults, AMemberThatWasForgottenJoinsAgain) {
  auto c = make_consumer("g");
  ASSERT_TRUE(wait(c.subscribe(topics)));
  ASSERT_TRUE(in.cluster().append(first_partition, {.value = "a"}));
  EXPECT_THAT(read(c, 1), ElementsAre("a"));
  ASSERT_TRUE(wait(c.commit()));
  ASSERT_EQ(in.cluster().group("g").members.size(), 1U);
  const auto before = in.cluster().group("g").generation;
  in.cluster().remove_member("g", in.cluster().group("g").members.front().id);
  ASSERT_TRUE(in.cluster().append(first_partition, {.value = "b"}));
  in.simulator().run_for(3s);
  EXPECT_THAT(read(c, 1), ElementsAre("b"));
  EXPECT_GT(in.cluster().group("g").generation, before);
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientFaults, TwoMembersShareAndTheOneLeftTakesAll) {
  auto a = make_consumer("g");
  auto b = make_consumer("g");
  ASSERT_TRUE(wait(a.subscribe(topics)));
  ASSERT_TRUE(wait(b.subscribe(topics)));
  const auto both = [&] {
    return in.cluster().group("g").state == "Stable" && in.cluster().group("g").members.size() == 2;
  };
  std::size_t of_a = 0;
  std::size_t of_b = 0;
  for (int i = 0; i < 60 && of_a + of_b != 3; ++i) {
    auto polled_a = a.poll(200ms);
    ASSERT_TRUE(wait(b.poll(200ms)));
    ASSERT_TRUE(wait(std::move(polled_a)));
    of_a = wait(a.assignment())->size();
    of_b = wait(b.assignment())->size();
    if (!both()) of_a = 0;
  }
  EXPECT_GE(of_a, 1U);
  EXPECT_GE(of_b, 1U);
  ASSERT_TRUE(wait(b.close()));
  for (int i = 0; i < 60 && of_a != 3; ++i) {
    ASSERT_TRUE(wait(a.poll(200ms)));
    of_a = wait(a.assignment())->size();
  }
  EXPECT_EQ(of_a, 3U);
  EXPECT_TRUE(wait(a.close()));
}

TEST_F(ClientFaults, ACorruptBatchIsAnErrorWithItsPlace) {
  ASSERT_TRUE(in.cluster().append(first_partition, {.value = "a"}));
  in.cluster().inject({.what = fault::kind::change, .of = api::fetch, .times = 1000, .change = [](auto& answer) {
                         // The last byte of a record: the checksum tells.
                         if (answer.size() > 100) answer[answer.size() - 8] ^= std::byte{1};
                       }});
  auto c = make_consumer("g");
  ASSERT_TRUE(wait(c.assign(std::vector<topic_partition>{first_partition})));
  const auto got = read(c, 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_THAT(got[0], HasSubstr("error: "));
  EXPECT_THAT(got[0], HasSubstr("t"));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientFaults, ABrokerThatLacksAnApiIsNamedInTheError) {
  playground old({.topics = {{.name = "t"}}, .versions_max = {{api::produce, -1}}});
  auto p = producer::make({.client = old.to_cluster(), .idempotence = false, .linger_ms = 0}).value();
  const auto done = old.run(send_all(p, {"a"}));
  ASSERT_FALSE(done[0]);
  EXPECT_EQ(done[0].error().code, errc::unsupported_version);
  EXPECT_THAT(done[0].error().message, HasSubstr("roduce"));
  EXPECT_TRUE(old.run([](producer& q) -> rt::task<result<void>> { co_return co_await q.close(); }(p)));
}

TEST_F(ClientFaults, WhoFindsNoBrokerSaysWhichItAsked) {
  for (std::int32_t id = 1; id <= 3; ++id) ASSERT_TRUE(in.cluster().stop_broker(broker_id(id)));
  auto p = make_producer({.delivery_timeout_ms = 10'000});
  const auto lost = wait(p.send(to_first("a")));
  ASSERT_FALSE(lost);
  EXPECT_NE(lost.error().message, "");
  auto closing = p.close();
  EXPECT_TRUE(wait(std::move(closing)));
}

TEST_F(ClientFaults, AfterAllBrokersWereAwayTheyAreFoundAgain) {
  auto p = make_producer();
  ASSERT_TRUE(wait(p.send(to_first("a"))));
  for (std::int32_t id = 1; id <= 3; ++id) ASSERT_TRUE(in.cluster().stop_broker(broker_id(id)));
  auto open = p.send(to_first("b"));
  in.simulator().run_for(20s);
  for (std::int32_t id = 1; id <= 3; ++id) ASSERT_TRUE(in.cluster().start_broker(broker_id(id)));
  const auto done = wait(std::move(open));
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_THAT(values_of(in.cluster(), first_partition), ElementsAre("a", "b"));
  EXPECT_TRUE(wait(p.close()));
}

TEST_F(ClientFaults, AClosedClientSendsNothingMore) {
  auto p = make_producer();
  auto c = make_consumer("g");
  ASSERT_TRUE(wait(p.send(to_first("a"))));
  ASSERT_TRUE(wait(c.subscribe(topics)));
  EXPECT_THAT(read(c, 1), ElementsAre("a"));
  ASSERT_TRUE(wait(p.close()));
  ASSERT_TRUE(wait(c.close()));
  in.simulator().run_for(1s);
  EXPECT_EQ(in.cluster().connections(), 0U);
  in.cluster().forget_requests();
  in.simulator().run_for(10min);
  EXPECT_THAT(in.cluster().requests(), IsEmpty());
}

TEST(ClientOnRealSockets, SendsAndReads) {
  auto cluster = fake_broker::start({.brokers = 2, .topics = {{.name = "t", .partitions = 2}}}).value();
  const client_options to{.bootstrap_servers = cluster.bootstrap_servers()};
  auto p = producer::make({.client = to}).value();
  for (int i = 0; i < 100; ++i) {
    const std::string value = std::to_string(i);
    ASSERT_TRUE(p.send({.topic = "t", .partition = partition_id(i % 2), .value = as_bytes(value)}, 0U));
  }
  ASSERT_TRUE(p.flush().get());
  EXPECT_EQ(cluster.records({"t", partition_id(0)}).size(), 50U);
  EXPECT_EQ(cluster.records({"t", partition_id(1)}).size(), 50U);

  auto c = consumer::make({.client = to, .group_id = "g", .offset_reset = offset_reset::earliest}).value();
  ASSERT_TRUE(c.subscribe(topics).get());
  std::size_t read = 0;
  for (int i = 0; i < 200 && read < 100; ++i) {
    const auto got = c.poll(200ms).get();
    ASSERT_TRUE(got) << got.error().message;
    for (const auto& batch : got->batches) read += batch.size();
  }
  EXPECT_EQ(read, 100U);
  EXPECT_TRUE(c.close().get());
  const auto committed = cluster.committed("g");
  EXPECT_EQ(committed.at({"t", partition_id(0)}), offset(50));
}

TEST(ClientOnRealSockets, SurvivesThatTheBrokerGoesFirst) {
  std::optional<fake_broker> cluster = fake_broker::start({.topics = {{.name = "t"}}}).value();
  auto p = producer::make({.client = {.bootstrap_servers = cluster->bootstrap_servers(), .retry_backoff_ms = 10},
                           .delivery_timeout_ms = 500})
               .value();
  ASSERT_TRUE(p.send({.topic = "t", .value = as_bytes("a")}).get());
  cluster.reset();
  const auto lost = p.send({.topic = "t", .value = as_bytes("b")}).get();
  ASSERT_FALSE(lost);
  EXPECT_NE(lost.error().message, "");
}

}  // namespace
}  // namespace moldau::client
