#include "moldau/client/producer.hpp"

#include <gtest/gtest.h>

#include "client/tests/scripted_broker.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using then = scripted_broker::then;
using seen_batch = scripted_broker::seen_batch;
using verdict = scripted_broker::verdict;

struct told {
  std::uint64_t tag = 0;
  std::int32_t partition = -1;
  std::int64_t offset = -1;
  std::int64_t timestamp_ms = -1;
  errc code = errc::none;
};

struct ProducerTest : ::testing::Test {
  testing::sim::simulator s{1};
  testing::sim::host& there{s.add_host("broker")};
  testing::sim::host& here{s.add_host("client")};
  scripted_broker broker{there};
  producer_options options{.client = {.bootstrap_servers = {"broker:9092"}, .request_timeout_ms = 2'000}};
  std::optional<producer> made;
  std::vector<told> reports;

  producer& sends() {
    if (!made) {
      options.client.world = moldau::world(here.core());
      options.on_delivery = [this](const delivery_report& done) {
        reports.push_back({done.tag, done.partition.value(), done.offset.value(), done.timestamp_ms,
                           done.error != nullptr ? done.error->code : errc::none});
      };
      made.emplace(producer::make(options).value());
    }
    return *made;
  }
  result<void> send(std::string_view value, std::uint64_t tag = 0, std::optional<std::int32_t> partition = 0) {
    outgoing_record record{.topic = "t", .value = as_bytes(value)};
    if (partition) record.partition = partition_id(*partition);
    return sends().send(record, tag);
  }
  template <typename T>
  result<T> wait(async<T> what, rt::duration limit = 10min) {
    EXPECT_TRUE(s.run_until([&] { return what.is_ready(); }, limit));
    return what.is_ready() ? what.get() : result<T>(fail(errc::timed_out));
  }
  result<void> flush() { return wait(sends().flush()); }
  std::vector<errc> codes() const {
    std::vector<errc> out;
    for (const told& one : reports) out.push_back(one.code);
    return out;
  }
  /// Says that to the first batches, nothing to later ones.
  void say(std::vector<verdict> verdicts) {
    broker.script = [left = std::move(verdicts), at = std::size_t{0}](const seen_batch&) mutable {
      return at < left.size() ? left[at++] : verdict{};
    };
  }
};

using values = std::vector<std::string>;

TEST_F(ProducerTest, ReportsOffsetTimestampAndTag) {
  ASSERT_TRUE(
      sends().send({.topic = "t", .partition = partition_id(1), .value = as_bytes("a"), .timestamp_ms = 77}, 5));
  ASSERT_TRUE(send("b", 6, 1));
  ASSERT_TRUE(flush());
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].tag, 5U);
  EXPECT_EQ(reports[0].offset, 0);
  EXPECT_EQ(reports[0].timestamp_ms, 77);
  EXPECT_EQ(reports[1].tag, 6U);
  EXPECT_EQ(reports[1].offset, 1);
  EXPECT_EQ(broker.log[1], (values{"a", "b"}));
}

TEST_F(ProducerTest, AnAsyncTellsTheSame) {
  auto done = sends().send({.topic = "t", .partition = partition_id(0), .value = as_bytes("a")});
  const auto delivered = wait(std::move(done));
  ASSERT_TRUE(delivered);
  EXPECT_EQ(delivered->topic, "t");
  EXPECT_EQ(delivered->offset, offset(0));
  EXPECT_TRUE(reports.empty());
}

TEST_F(ProducerTest, RecordsSentBeforeTheTopicIsKnownKeepTheirOrder) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(send(std::to_string(i)));
  s.run_for(1s);
  for (int i = 50; i < 100; ++i) ASSERT_TRUE(send(std::to_string(i)));
  ASSERT_TRUE(flush());
  values expected;
  for (int i = 0; i < 100; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(broker.log[0], expected);
}

TEST_F(ProducerTest, AnAnswerThatIsLostIsNoSecondAppend) {
  say({{.after = then::cut}});
  ASSERT_TRUE(send("a"));
  ASSERT_TRUE(flush());
  EXPECT_EQ(codes(), std::vector{errc::none});
  EXPECT_EQ(broker.log[0], values{"a"});
  EXPECT_EQ(broker.seen.size(), 2U);
}

TEST_F(ProducerTest, SilenceEndsWithTheRequestTimeoutAndIsTriedAgain) {
  say({{.after = then::silence}});
  ASSERT_TRUE(send("a"));
  ASSERT_TRUE(flush());
  EXPECT_EQ(codes(), std::vector{errc::none});
  EXPECT_EQ(broker.log[0], values{"a"});
}

TEST_F(ProducerTest, OrderHoldsWithFiveRequestsInFlightWhenTheFirstFails) {
  options.batch_bytes = 80;
  options.linger_ms = 0;
  broker.produce_takes = 20ms;
  ASSERT_TRUE(send("first"));
  ASSERT_TRUE(flush());
  say({{.code = errc::not_leader_or_follower, .appends = false}});
  values expected{"first"};
  for (int i = 0; i < 20; ++i) {
    expected.push_back(std::to_string(i));
    ASSERT_TRUE(send(std::to_string(i)));
  }
  ASSERT_TRUE(flush());
  EXPECT_EQ(broker.log[0], expected);
  EXPECT_EQ(codes(), std::vector(21, errc::none));
  EXPECT_GT(broker.in_flight_most, 1U);
  EXPECT_LE(broker.in_flight_most, 5U);
}

TEST_F(ProducerTest, ARefusalThatRepeatingDoesntHelpFailsTheBatchAndTheNextOnesArrive) {
  say({{.code = errc::invalid_record, .appends = false}});
  ASSERT_TRUE(send("bad", 1));
  ASSERT_TRUE(flush());
  ASSERT_TRUE(send("good", 2));
  ASSERT_TRUE(flush());
  EXPECT_EQ(codes(), (std::vector{errc::invalid_record, errc::none}));
  EXPECT_EQ(broker.log[0], values{"good"});
  EXPECT_EQ(broker.seen.back().epoch, producer_epoch(1)) << "the gap begins a new epoch";
  EXPECT_EQ(broker.identities, 1);
}

TEST_F(ProducerTest, WhatTimedOutInDoubtIsNeitherDoubledNorInTheWayOfTheNext) {
  options.delivery_timeout_ms = 1'000;
  options.client.request_timeout_ms = 700;
  // It is appended, but nobody ever hears of it.
  broker.script = [](const seen_batch& batch) {
    return verdict{.after = batch.values.front() == "doubt" ? then::silence : then::answer};
  };
  ASSERT_TRUE(send("doubt"));
  ASSERT_TRUE(flush());
  EXPECT_EQ(codes(), std::vector{errc::timed_out});
  ASSERT_TRUE(send("next"));
  ASSERT_TRUE(flush());
  EXPECT_EQ(codes(), (std::vector{errc::timed_out, errc::none}));
  EXPECT_EQ(broker.log[0], (values{"doubt", "next"}));
  EXPECT_EQ(broker.seen.back().epoch, producer_epoch(0)) << "the numbers fitted";
}

TEST_F(ProducerTest, ABatchThatIsTooLargeIsSplitUntilItFits) {
  options.codec = codec::lz4;
  broker.script = [](const seen_batch& batch) {
    const bool is_large = batch.values.size() > 3;
    return verdict{.code = is_large ? errc::message_too_large : errc::none, .appends = !is_large};
  };
  values expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back("value " + std::to_string(i));
    ASSERT_TRUE(send(expected.back(), static_cast<std::uint64_t>(i)));
  }
  ASSERT_TRUE(flush());
  EXPECT_EQ(broker.log[0], expected);
  ASSERT_EQ(reports.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(reports[i].code, errc::none);
    EXPECT_EQ(reports[i].offset, static_cast<std::int64_t>(reports[i].tag));
  }
}

TEST_F(ProducerTest, EveryCodecArrives) {
  for (const codec how : {codec::none, codec::gzip, codec::snappy, codec::lz4, codec::zstd}) {
    made.reset();
    options.codec = how;
    ASSERT_TRUE(send(std::string(1000, 'x')));
    ASSERT_TRUE(flush());
    EXPECT_EQ(broker.seen.back().codec, static_cast<wire::codec>(how));
    EXPECT_EQ(broker.log[0].back(), std::string(1000, 'x'));
  }
}

TEST_F(ProducerTest, WithoutAcknowledgementsReportsHaveNoOffset) {
  options.acks = acks::none;
  options.idempotence = false;
  ASSERT_TRUE(send("a"));
  ASSERT_TRUE(flush());
  s.run_for(1s);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].offset, -1);
  EXPECT_EQ(broker.acks, 0);
  EXPECT_EQ(broker.log[0], values{"a"});
}

TEST_F(ProducerTest, ATopicThatNobodyMakesFailsAfterTheBlockTime) {
  options.max_block_ms = 2'000;
  ASSERT_TRUE(sends().send({.topic = "other", .value = as_bytes("a")}, 3));
  ASSERT_TRUE(flush());
  EXPECT_EQ(codes(), std::vector{errc::unknown_topic_or_partition});
}

TEST_F(ProducerTest, APartitionThatComesLaterIsFound) {
  ASSERT_TRUE(send("a"));
  ASSERT_TRUE(flush());
  broker.topics["t"] = 5;
  ASSERT_TRUE(send("b", 0, 4));
  ASSERT_TRUE(send("c", 0, 9));
  ASSERT_TRUE(flush());
  EXPECT_EQ(broker.log[4], values{"b"});
  ASSERT_EQ(reports.size(), 3U);
  std::vector<errc> got = codes();
  std::ranges::sort(got);
  EXPECT_EQ(got, (std::vector{errc::none, errc::none, errc::unknown_topic_or_partition}));
}

TEST_F(ProducerTest, FullMemoryIsAnErrorWhereNobodyMayWait) {
  options.buffer_memory_bytes = 20'000;
  ASSERT_TRUE(send("known"));
  ASSERT_TRUE(flush());
  broker.produce_takes = 10s;
  result<void> last;
  int taken = 0;
  while ((last = send(std::string(1000, 'x')))) ASSERT_LT(++taken, 100);
  EXPECT_EQ(last.error().code, errc::out_of_memory);
  EXPECT_GE(taken, 10);
  broker.produce_takes = {};
  ASSERT_TRUE(flush());
  EXPECT_TRUE(send("again"));
  ASSERT_TRUE(flush());
  EXPECT_EQ(reports.size(), static_cast<std::size_t>(taken) + 2);
}

TEST_F(ProducerTest, PurgeDropsWhatWaits) {
  options.linger_ms = 60'000;
  ASSERT_TRUE(send("a"));
  s.run_for(1s);
  ASSERT_TRUE(wait(sends().purge()));
  EXPECT_EQ(codes(), std::vector{errc::cancelled});
  ASSERT_TRUE(flush());
  EXPECT_TRUE(broker.log[0].empty());
}

TEST_F(ProducerTest, PurgeOfWhatIsOnItsWayTellsAtOnceAndOnce) {
  broker.produce_takes = 1s;
  ASSERT_TRUE(send("a"));
  s.run_for(500ms);
  ASSERT_TRUE(wait(sends().purge({.waiting = true, .in_flight = true})));
  EXPECT_EQ(codes(), std::vector{errc::cancelled});
  ASSERT_TRUE(send("b"));
  ASSERT_TRUE(flush());
  EXPECT_EQ(codes(), (std::vector{errc::cancelled, errc::none}));
  EXPECT_EQ(broker.log[0], (values{"a", "b"}));
}

TEST_F(ProducerTest, CloseSendsWhatWaitsAndThenNothingHappens) {
  options.linger_ms = 60'000;
  ASSERT_TRUE(send("a"));
  auto first = sends().close();
  auto second = sends().close();
  ASSERT_TRUE(wait(std::move(first)));
  ASSERT_TRUE(wait(std::move(second)));
  EXPECT_EQ(codes(), std::vector{errc::none});
  EXPECT_EQ(broker.log[0], values{"a"});
  EXPECT_EQ(send("b").error().code, errc::closed);
  s.run_for(10min);
  EXPECT_EQ(reports.size(), 1U);
}

TEST_F(ProducerTest, CloseWithALimitGivesUpWhatDoesntArrive) {
  there.kill();
  ASSERT_TRUE(send("a"));
  const auto from = s.now();
  ASSERT_TRUE(wait(sends().close(3'000)));
  EXPECT_EQ(codes(), std::vector{errc::cancelled});
  EXPECT_LT(s.now() - from, 6s);
}

TEST_F(ProducerTest, ADestroyedProducerLosesNothing) {
  options.linger_ms = 60'000;
  ASSERT_TRUE(send("a"));
  made.reset();
  s.run_for(1min);
  EXPECT_EQ(broker.log[0], values{"a"});
  EXPECT_EQ(codes(), std::vector{errc::none});
}

TEST_F(ProducerTest, ABrokerThatIsAwayForAWhileIsWaitedFor) {
  ASSERT_TRUE(send("a"));
  ASSERT_TRUE(flush());
  there.kill();
  s.run_for(1s);
  ASSERT_TRUE(send("b"));
  s.run_for(5s);
  EXPECT_EQ(reports.size(), 1U);
  there.restart();
  ASSERT_TRUE(flush());
  EXPECT_EQ(broker.log[0], (values{"a", "b"}));
}

TEST_F(ProducerTest, RequestsHoldSeveralBatchesUpToTheirLimit) {
  broker.topics["t"] = 8;
  options.batch_bytes = 2'000;
  options.request_bytes_max = 5'000;
  ASSERT_TRUE(send("known"));
  ASSERT_TRUE(flush());
  for (std::int32_t p = 0; p < 8; ++p) ASSERT_TRUE(send(std::string(1'500, 'x'), 0, p));
  ASSERT_TRUE(flush());
  std::map<int, std::size_t> bytes;
  for (const seen_batch& batch : broker.seen) bytes[batch.request] += batch.bytes;
  for (const auto& [request, size] : bytes) EXPECT_LE(size, 5'000U);
  EXPECT_LT(bytes.size(), 8U);
}

TEST_F(ProducerTest, RecordsWithoutAKeyStayTogetherAndAreSpread) {
  options.batch_bytes = 500;
  ASSERT_TRUE(send("known"));
  ASSERT_TRUE(flush());
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(send(std::string(80, 'x'), 0, std::nullopt));
    if (i % 20 == 0) s.run_for(10ms);
  }
  ASSERT_TRUE(flush());
  EXPECT_GT(broker.log[0].size(), 50U);
  EXPECT_GT(broker.log[1].size(), 50U);
  EXPECT_LT(broker.seen.size(), 120U);
}

TEST_F(ProducerTest, AChoiceOfOnesOwnIsAsked) {
  options.choose_partition = [](const outgoing_record& record, std::int32_t count) {
    return partition_id(static_cast<std::int32_t>(record.value->size()) % count);
  };
  ASSERT_TRUE(send("1", 0, std::nullopt));
  ASSERT_TRUE(send("22", 0, std::nullopt));
  ASSERT_TRUE(flush());
  EXPECT_EQ(broker.log[0], values{"22"});
  EXPECT_EQ(broker.log[1], values{"1"});
}

struct counting_interceptor final : producer_interceptor {
  void on_send(intercepted_record& record) override {
    ++sent;
    record.record().value = record.keep(as_bytes("changed"));
    record.add_header("trace", as_bytes("1"));
  }
  void on_acknowledgement(const delivery_report& report) override {
    ++told;
    failed += report.error != nullptr ? 1 : 0;
  }
  int sent = 0;
  int told = 0;
  int failed = 0;
};

TEST_F(ProducerTest, InterceptorsChangeRecordsAndSeeReports) {
  auto seeing = std::make_shared<counting_interceptor>();
  options.interceptors = {seeing};
  options.request_bytes_max = 100;
  ASSERT_TRUE(send("a"));
  ASSERT_TRUE(flush());
  EXPECT_EQ(broker.log[0], values{"changed"});
  EXPECT_FALSE(sends().send({.topic = std::string(10, 't'), .key = as_bytes(std::string(200, 'k'))}, 0));
  EXPECT_EQ(seeing->sent, 2);
  EXPECT_EQ(seeing->told, 2);
  EXPECT_EQ(seeing->failed, 1);
}

TEST_F(ProducerTest, WhatIsTooLargeIsSaidAtOnce) {
  options.request_bytes_max = 1'000;
  const auto sent = send(std::string(1'001, 'x'));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::message_too_large);
}

TEST(ProducerOptions, TellEveryMistakeAtOnce) {
  const auto made =
      producer::make({.client = {.bootstrap_servers = {"nowhere"}}, .acks = acks::leader, .in_flight_max = 0});
  ASSERT_FALSE(made);
  EXPECT_EQ(std::ranges::count(made.error().message, '\n'), 2);
}

TEST(ProducerOptions, ComeFromKafkasNames) {
  const auto got = producer_options::from_properties({{"bootstrap.servers", "a:1"},
                                                      {"acks", "1"},
                                                      {"batch.size", "1000"},
                                                      {"compression.type", "zstd"},
                                                      {"compression.zstd.level", "7"},
                                                      {"partitioner.ignore.keys", "true"},
                                                      {"max.block.ms", "0"}});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->acks, acks::leader);
  EXPECT_FALSE(got->idempotence);
  EXPECT_EQ(got->batch_bytes, 1000U);
  EXPECT_EQ(got->codec_level, 7);
  EXPECT_TRUE(got->ignore_keys);
  EXPECT_EQ(got->when_full, when_full::fail);
}

}  // namespace
}  // namespace moldau::client
