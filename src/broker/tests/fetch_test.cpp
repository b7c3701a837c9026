#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "broker/tests/broker_fixture.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using testing::broker_fixture;
using testing::test_client;
namespace protocol = wire::protocol;

struct wanted {
  std::string_view topic;
  std::int64_t from = 0;
  std::int32_t max_bytes = 1 << 20;
};

class FetchTest : public broker_fixture {
 public:
  using reply = test_client::reply<protocol::fetch_response>;

  static protocol::fetch_request request_of(std::initializer_list<wanted> partitions, std::int32_t session = 0,
                                            std::int32_t epoch = -1) {
    protocol::fetch_request out;
    out.max_wait_ms = 100;
    out.min_bytes = 1;
    out.max_bytes = 1 << 20;
    out.session_id = session;
    out.session_epoch = epoch;
    for (const wanted& one : partitions) {
      auto& topic = out.topics.emplace_back();
      topic.topic = one.topic;
      auto& partition = topic.partitions.emplace_back();
      partition.fetch_offset = offset(one.from);
      partition.partition_max_bytes = one.max_bytes;
    }
    return out;
  }
  /// All over one connection: a session lives where its connection does.
  reply fetch(const protocol::fetch_request& request, std::int16_t version = 12) {
    auto got = on_client(fetch_over(request, version));
    EXPECT_TRUE(got);
    return got ? *std::move(got) : reply{};
  }
  rt::task<result<reply>> fetch_over(const protocol::fetch_request& request, std::int16_t version) {
    if (!connection_) {
      auto made = co_await test_client::connect(client_.core(), {"broker", 9092});
      if (!made) co_return std::unexpected<error>(made.error());
      connection_.emplace(*std::move(made));
    }
    co_return co_await connection_->call<protocol::fetch_response>(request, version);
  }
  static std::size_t bytes_of(const protocol::fetch_response::partition_data& partition) {
    return partition.records.is_null() ? 0 : partition.records.bytes().size();
  }
  /// Two topics with a record each.
  void start_with_topics() {
    start();
    for (const char* topic : {"a", "b"}) {
      ASSERT_EQ(create_topic(topic), errc::none);
      ASSERT_EQ(produce_values(topic, {"first"}).error, errc::none);
    }
  }
  /// A session over both topics, read to their ends.
  std::int32_t open_session() {
    const reply full = fetch(request_of({{"a", 1}, {"b", 1}}, 0, 0));
    EXPECT_EQ(full.message.responses.size(), 2U) << "a full fetch is answered in full";
    EXPECT_NE(full.message.session_id, 0);
    return full.message.session_id;
  }

 private:
  std::optional<test_client> connection_;
};

TEST_F(FetchTest, TellsOnlyNewsInASession) {
  start_with_topics();
  const std::int32_t session = open_session();
  const reply nothing = fetch(request_of({}, session, 1));
  EXPECT_EQ(nothing.message.error_code, errc::none);
  EXPECT_EQ(nothing.message.session_id, session);
  EXPECT_TRUE(nothing.message.responses.empty());
  ASSERT_EQ(produce_values("b", {"second"}).error, errc::none);
  const reply news = fetch(request_of({}, session, 2));
  ASSERT_EQ(news.message.responses.size(), 1U);
  EXPECT_EQ(news.message.responses[0].topic, "b");
  EXPECT_GT(bytes_of(news.message.responses[0].partitions[0]), 0U);
}

TEST_F(FetchTest, GoesOnInASessionFromWhereTheClientSays) {
  start_with_topics();
  const std::int32_t session = open_session();
  const reply again = fetch(request_of({{"a", 0}}, session, 1));
  ASSERT_EQ(again.message.responses.size(), 1U);
  EXPECT_EQ(again.message.responses[0].topic, "a");
  EXPECT_GT(bytes_of(again.message.responses[0].partitions[0]), 0U);
}

TEST_F(FetchTest, TellsNothingMoreOfWhatASessionForgets) {
  start_with_topics();
  const std::int32_t session = open_session();
  protocol::fetch_request request = request_of({}, session, 1);
  auto& forgotten = request.forgotten_topics_data.emplace_back();
  forgotten.topic = "b";
  forgotten.partitions.push_back(partition_id(0));
  ASSERT_TRUE(fetch(request).message.responses.empty());
  ASSERT_EQ(produce_values("b", {"second"}).error, errc::none);
  EXPECT_TRUE(fetch(request_of({}, session, 2)).message.responses.empty());
}

TEST_F(FetchTest, SaysWhatIsWrongWithASession) {
  start_with_topics();
  const std::int32_t session = open_session();
  EXPECT_EQ(fetch(request_of({}, session, 5)).message.error_code, errc::invalid_fetch_session_epoch);
  EXPECT_EQ(fetch(request_of({}, session + 2, 1)).message.error_code, errc::fetch_session_id_not_found);
  EXPECT_EQ(fetch(request_of({}, session, 1), 13).message.error_code, errc::fetch_session_topic_id_error);
}

TEST_F(FetchTest, AnswersWithAnErrorWhereTheLogHasNoSuchOffset) {
  start_with_topics();
  const reply below = fetch(request_of({{"a", 7}}));
  EXPECT_EQ(below.message.responses[0].partitions[0].error_code, errc::offset_out_of_range);
}

TEST_F(FetchTest, KnowsNoTopicThatIsNotThere) {
  start_with_topics();
  EXPECT_EQ(fetch(request_of({{"nothing", 0}})).message.responses[0].partitions[0].error_code,
            errc::unknown_topic_or_partition);
  EXPECT_EQ(fetch(request_of({{"", 0}}), 13).message.responses[0].partitions[0].error_code, errc::unknown_topic_id);
}

TEST_F(FetchTest, GivesTheFirstBatchWholeHoweverLarge) {
  start_with_topics();
  const std::string value(5000, 'v');
  ASSERT_EQ(produce_values("a", {value}).error, errc::none);
  const reply got = fetch(request_of({{"a", 1, 100}, {"b", 0, 100}}));
  EXPECT_GT(bytes_of(got.message.responses[0].partitions[0]), 5000U);
}

TEST_F(FetchTest, GivesNoMoreThanIsAskedForAfterTheFirstBatch) {
  start_with_topics();
  const std::string value(5000, 'v');
  ASSERT_EQ(produce_values("a", {value}).error, errc::none);
  ASSERT_EQ(produce_values("b", {value}).error, errc::none);
  protocol::fetch_request request = request_of({{"a", 1}, {"b", 1}});
  request.max_bytes = 1000;
  const reply got = fetch(request);
  std::size_t with_records = 0;
  for (const auto& topic : got.message.responses) with_records += bytes_of(topic.partitions[0]) > 0 ? 1 : 0;
  EXPECT_EQ(with_records, 1U);
}

TEST_F(FetchTest, ChecksTheEpochThatAClientKnows) {
  start_with_topics();
  protocol::fetch_request request = request_of({{"a", 0}});
  request.topics[0].partitions[0].current_leader_epoch = leader_epoch(5);
  EXPECT_EQ(fetch(request).message.responses[0].partitions[0].error_code, errc::unknown_leader_epoch);
}

TEST_F(FetchTest, TellsAReaderThatItHasDiverged) {
  start_with_topics();
  protocol::fetch_request request = request_of({{"a", 1}});
  request.topics[0].partitions[0].last_fetched_epoch = leader_epoch(0);
  EXPECT_EQ(fetch(request).message.responses[0].partitions[0].diverging_epoch.end_offset, no_offset);
  request.topics[0].partitions[0].fetch_offset = offset(9);
  const reply diverged = fetch(request);
  EXPECT_EQ(diverged.message.responses[0].partitions[0].diverging_epoch.epoch, leader_epoch(0));
  EXPECT_EQ(diverged.message.responses[0].partitions[0].diverging_epoch.end_offset, offset(1));
}

TEST_F(FetchTest, WaitsNoLongerThanTheClientSays) {
  start_with_topics();
  protocol::fetch_request request = request_of({{"a", 1}});
  request.max_wait_ms = 700;
  const rt::duration before = world_.now();
  EXPECT_EQ(bytes_of(fetch(request).message.responses[0].partitions[0]), 0U);
  EXPECT_GE(world_.now() - before, 700ms);
  EXPECT_LT(world_.now() - before, 900ms);
}

TEST_F(FetchTest, EndsAWaitForATopicThatIsDeleted) {
  start_with_topics();
  std::optional<errc> told;
  client_.spawn([](FetchTest& test, protocol::fetch_request request, std::optional<errc>& into) -> rt::task<void> {
    request.max_wait_ms = 3'600'000;
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    auto got = co_await client->call<protocol::fetch_response>(request, 12);
    into = got ? got->message.responses.front().partitions.front().error_code : got.error().code;
  }(*this, request_of({{"a", 1}}), told));
  world_.run_for(1s);
  ASSERT_FALSE(told);
  protocol::delete_topics_request request;
  request.topic_names.push_back("a");
  ASSERT_EQ(ask<protocol::delete_topics_response>(request, 5).message.responses.front().error_code, errc::none);
  world_.run_until([&] { return told.has_value(); }, 10s);
  // Which of the two depends on how far the deletion has come on that core; clients do the same about both.
  EXPECT_TRUE(told == errc::unknown_topic_or_partition || told == errc::not_leader_or_follower);
}

TEST_F(FetchTest, EndsAWaitWhoseClientHasGone) {
  start_with_topics();
  const auto open_connections = [this] {
    std::size_t out = 0;
    for (unsigned core = 0; core < node_->core_count(); ++core) out += node_->shard_of(core).connections();
    return out;
  };
  world_.run_for(1s);
  const std::size_t before = open_connections();
  client_.spawn([](FetchTest& test, protocol::fetch_request request) -> rt::task<void> {
    request.max_wait_ms = 3'600'000;
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    const auto sent = co_await client->send(test_client::frame_of(request, 12, 1));
    EXPECT_TRUE(sent);
    co_await test.client_.core().sleep_for(1s);
  }(*this, request_of({{"a", 1}})));
  world_.run_for(500ms);
  ASSERT_EQ(open_connections(), before + 1);
  EXPECT_TRUE(world_.run_until([&] { return open_connections() == before; }, 10s));
}

TEST_F(FetchTest, GivesASessionUpThatWentOnOverAnotherConnection) {
  start_with_topics();
  const std::int32_t session = open_session();
  std::optional<errc> told;
  client_.spawn([](FetchTest& test, protocol::fetch_request request, std::optional<errc>& into) -> rt::task<void> {
    request.max_wait_ms = 3'600'000;
    auto got = co_await test.fetch_over(request, 12);
    into = got ? got->message.error_code : got.error().code;
  }(*this, request_of({}, session, 1), told));
  world_.run_for(1s);
  ASSERT_FALSE(told);
  // Sessions stay on their core, and connections are dealt to the cores in turn: one of two comes to the same.
  protocol::fetch_request forget = request_of({}, session, 2);
  forget.max_wait_ms = 0;
  auto& forgotten = forget.forgotten_topics_data.emplace_back();
  forgotten.topic = "b";
  forgotten.partitions.push_back(partition_id(0));
  auto reply = ask<protocol::fetch_response>(forget, 12);
  if (reply.message.error_code == errc::fetch_session_id_not_found) reply = ask<protocol::fetch_response>(forget, 12);
  ASSERT_EQ(reply.message.error_code, errc::none);
  ASSERT_EQ(produce_values("a", {"second"}).error, errc::none);
  ASSERT_TRUE(world_.run_until([&] { return told.has_value(); }, 10s));
  EXPECT_EQ(told, errc::invalid_fetch_session_epoch);
}

}  // namespace
}  // namespace moldau::broker
