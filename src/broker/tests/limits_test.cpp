#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "broker/response_room.hpp"
#include "broker/tests/broker_fixture.hpp"
#include "wire/protocol/describe_configs_request.hpp"
#include "wire/protocol/describe_configs_response.hpp"
#include "wire/protocol/describe_producers_request.hpp"
#include "wire/protocol/describe_producers_response.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using testing::broker_fixture;
using testing::test_client;
namespace protocol = wire::protocol;
namespace sim = moldau::testing::sim;

class LimitsTest : public broker_fixture {
 public:
  test_client connect() {
    auto made = on_client(test_client::connect(client_.core(), {"broker", 9092}));
    EXPECT_TRUE(made);
    return *std::move(made);
  }
  /// Asks over a connection that is there; whether an answer comes within `limit`.
  bool answers(test_client& client, rt::duration limit = 5s) {
    answered_ = false;
    client_.spawn([](test_client& on, bool& into) -> rt::task<void> {
      into = (co_await on.call<protocol::metadata_response>(protocol::metadata_request{}, 9)).has_value();
    }(client, answered_));
    return world_.run_until([this] { return answered_; }, limit);
  }
  bool is_closed(test_client& client) {
    return !on_client(
        [](test_client& on) -> rt::task<bool> { co_return (co_await on.receive_frame()).has_value(); }(client));
  }
  errc alter_over(test_client& client, std::string_view name, std::string_view value) {
    protocol::incremental_alter_configs_request request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = 4;
    resource.resource_name = "";
    resource.configs.push_back({.name = name, .config_operation = 0, .value = value});
    const auto call = [](test_client& on, const protocol::incremental_alter_configs_request& what) -> rt::task<errc> {
      auto reply = co_await on.call<protocol::incremental_alter_configs_response>(what, 1);
      co_return reply ? reply->message.responses.front().error_code : reply.error().code;
    };
    return on_client(call(client, request));
  }
  const storage::log& log_of(std::string_view topic) {
    for (unsigned core = 0; core < node_->core_count(); ++core) {
      for (const auto& [id, partition] : node_->shard_of(core).partitions()) {
        if (partition->topic() == topic) return partition->log();
      }
    }
    throw std::runtime_error("no such log");
  }
  /// What requests and answers hold, on all cores.
  [[nodiscard]] std::size_t held_bytes() const {
    std::ptrdiff_t out = 0;
    for (unsigned core = 0; core < node_->core_count(); ++core) {
      for (const memory_budget* of : {&node_->shard_of(core).budget(), &node_->shard_of(core).answers()}) {
        out += of->limit_bytes() - of->left_bytes();
      }
    }
    return static_cast<std::size_t>(out);
  }
  void claim(test_client& client, std::int32_t bytes) {
    shared_bytes length = shared_bytes::allocate(4);
    bytes::store_be(length.writable().data(), bytes);
    EXPECT_TRUE(on_client(client.send(std::move(length))));
  }

 private:
  bool answered_ = false;
};

TEST_F(LimitsTest, LetConnectionsWaitUntilMoreAreAllowed) {
  start("max.connections=1\n");
  test_client first = connect();
  ASSERT_TRUE(answers(first));
  test_client second = connect();
  EXPECT_FALSE(answers(second));
  ASSERT_EQ(alter_over(first, "max.connections", "2"), errc::none);
  EXPECT_TRUE(answers(second));
}

TEST_F(LimitsTest, CloseConnectionsBeyondThoseOfAnAddress) {
  start("max.connections.per.ip=1\n");
  test_client first = connect();
  ASSERT_TRUE(answers(first));
  test_client second = connect();
  EXPECT_TRUE(is_closed(second));
  EXPECT_TRUE(answers(first));
  first.socket().close();
  world_.run_for(1s);
  test_client third = connect();
  EXPECT_TRUE(answers(third));
}

TEST_F(LimitsTest, CloseConnectionsThatAreIdle) {
  start("connections.max.idle.ms=2000\n");
  test_client idle = connect();
  test_client busy = connect();
  for (int i = 0; i < 5; ++i) {
    world_.run_for(1s);
    ASSERT_TRUE(answers(busy));
  }
  EXPECT_TRUE(is_closed(idle));
}

TEST_F(LimitsTest, CloseConnectionsThatAskForTooMuch) {
  start("socket.request.max.bytes=1000\n");
  test_client client = connect();
  claim(client, 1001);
  EXPECT_TRUE(is_closed(client));
}

TEST_F(LimitsTest, KeepClientsThatSendNothingFromStoppingOthers) {
  start("socket.request.max.bytes=100000000\nqueued.max.request.bytes=100000000\n");
  std::vector<test_client> greedy;
  for (int i = 0; i < 4; ++i) {
    greedy.push_back(connect());
    claim(greedy.back(), 100'000'000);
  }
  for (int i = 0; i < 2; ++i) {
    test_client other = connect();
    EXPECT_TRUE(answers(other, 1s));
  }
}

TEST_F(LimitsTest, CutOffClientsThatStopHalfwayOnceOthersWait) {
  start("socket.request.max.bytes=2000000\nqueued.max.request.bytes=2000000\n");
  std::vector<test_client> greedy;
  for (int i = 0; i < 6; ++i) {
    greedy.push_back(connect());
    claim(greedy.back(), 2'000'000);
    EXPECT_TRUE(on_client(greedy.back().send(shared_bytes::allocate(1'500'000))));
  }
  for (int i = 0; i < 2; ++i) {
    test_client other = connect();
    EXPECT_TRUE(answers(other, 10s));
  }
}

TEST_F(LimitsTest, OfBatchesChangeAtRunTime) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const std::string value(600, 'v');
  ASSERT_EQ(produce_values("orders", {value}).error, errc::none);
  ASSERT_EQ(set_broker_config("", "message.max.bytes", "500"), errc::none);
  EXPECT_EQ(produce_values("orders", {value}).error, errc::message_too_large);
  ASSERT_EQ(set_broker_config("1", "message.max.bytes", "5000"), errc::none);
  EXPECT_EQ(produce_values("orders", {value}).error, errc::none) << "one broker's own setting comes first";
}

TEST_F(LimitsTest, OfLogsChangeAtRunTime) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  ASSERT_EQ(create_topic("own", 1, {{"retention.ms", "55"}}), errc::none);
  ASSERT_EQ(set_broker_config("", "log.retention.ms", "77000"), errc::none);
  ASSERT_EQ(set_broker_config("", "log.segment.bytes", "2000000"), errc::none);
  EXPECT_EQ(log_of("orders").options().retention_ms, 77'000);
  EXPECT_EQ(log_of("orders").options().segment_bytes, 2'000'000U);
  EXPECT_EQ(log_of("own").options().retention_ms, 55);
}

TEST_F(LimitsTest, OfTheCleanerChangeAtRunTime) {
  start();
  ASSERT_EQ(set_broker_config("", "log.cleaner.dedupe.buffer.size", "5000000"), errc::none);
  ASSERT_EQ(set_broker_config("", "log.cleaner.backoff.ms", "999"), errc::none);
  for (unsigned core = 0; core < node_->core_count(); ++core) {
    EXPECT_EQ(node_->logs().core(core).storage.cleaner_dedupe_buffer_bytes, 5'000'000U);
    EXPECT_EQ(node_->logs().core(core).storage.cleaner_backoff_ms, 999);
  }
}

TEST_F(LimitsTest, OfFetchSessionsAreKept) {
  start("max.incremental.fetch.session.cache.slots=2\n");
  ASSERT_EQ(create_topic("orders"), errc::none);
  std::vector<std::int32_t> sessions;
  for (int i = 0; i < 4; ++i) {
    protocol::fetch_request request;
    request.max_bytes = 1000;
    auto& topic = request.topics.emplace_back();
    topic.topic = "orders";
    topic.partitions.emplace_back().partition_max_bytes = 1000;
    request.session_epoch = 0;
    sessions.push_back(ask<protocol::fetch_response>(request, 11).message.session_id);
  }
  // One a core; later ones are answered without a session.
  EXPECT_EQ(std::ranges::count_if(sessions, [](std::int32_t id) { return id != 0; }), 2);
}

TEST_F(LimitsTest, CountTheMemoryOfARequestOnceItIsDecoded) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const shared_bytes batch = testing::batch_of({"a"}, client_.wall_ms());
  auto request = produce_request("orders", batch);
  // Small on the wire, large in memory, and nothing to do for the broker.
  request.topic_data.resize(10'000);
  const std::size_t frame_bytes = test_client::frame_of(request, 9, 1).size() - 4;
  const std::size_t decoded_bytes = 10'000 * sizeof(request.topic_data.front());
  std::optional<errc> told;
  client_.spawn(
      [](LimitsTest& test, const protocol::produce_request& what, std::optional<errc>& into) -> rt::task<void> {
        auto reply = co_await test.call<protocol::produce_response>(what, 9);
        into = reply ? outcome_of(reply->message).error : reply.error().code;
      }(*this, request, told));
  // While it waits for the disk.
  EXPECT_TRUE(world_.run_until([&] { return held_bytes() >= frame_bytes + decoded_bytes; }, 60s));
  ASSERT_TRUE(world_.run_until([&] { return told.has_value(); }, 60s));
  EXPECT_EQ(told, errc::none);
  EXPECT_EQ(held_bytes(), 0U);
}

TEST_F(LimitsTest, LeaveTheMemoryOfAFetchThatSleepsToOthers) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  protocol::fetch_request request;
  request.max_wait_ms = 10'000;
  request.min_bytes = 1;
  request.max_bytes = 1000;
  request.session_epoch = -1;
  auto& topic = request.topics.emplace_back();
  topic.topic = "orders";
  topic.partitions.emplace_back().partition_max_bytes = 1000;
  request.forgotten_topics_data.resize(10'000);
  std::optional<errc> told;
  client_.spawn([](LimitsTest& test, const protocol::fetch_request& what, std::optional<errc>& into) -> rt::task<void> {
    auto reply = co_await test.call<protocol::fetch_response>(what, 11);
    into = reply ? reply->message.error_code : reply.error().code;
  }(*this, request, told));
  world_.run_for(1s);
  ASSERT_FALSE(told);
  EXPECT_EQ(held_bytes(), test_client::frame_of(request, 11, 1).size() - 4) << "the frame alone";
  ASSERT_TRUE(world_.run_until([&] { return told.has_value(); }, 60s));
  EXPECT_EQ(told, errc::none);
  EXPECT_EQ(held_bytes(), 0U);
}

/// Asks for all of a broker's properties, many times over.
protocol::describe_configs_request all_of_the_broker(std::size_t times) {
  protocol::describe_configs_request request;
  for (std::size_t i = 0; i < times; ++i) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = 4;
    resource.resource_name = "1";
    resource.configuration_keys = std::nullopt;
  }
  request.include_synonyms = true;
  return request;
}

TEST_F(LimitsTest, OfAnAnswerAreThoseOfARequest) {
  start("socket.request.max.bytes=500000\n");
  const auto reply = ask<protocol::describe_configs_response>(all_of_the_broker(50), 4);
  ASSERT_EQ(reply.message.results.size(), 50U);
  EXPECT_EQ(reply.message.results.front().error_code, errc::none);
  EXPECT_GT(reply.message.results.front().configs.size(), 100U);
  EXPECT_EQ(reply.message.results.back().error_code, errc::invalid_request);
  EXPECT_TRUE(reply.message.results.back().error_message->contains("ask for less at a time"));
  EXPECT_TRUE(reply.message.results.back().configs.empty());
}

TEST_F(LimitsTest, LetAPartitionsProducersBeToldOnce) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  protocol::describe_producers_request request;
  auto& topic = request.topics.emplace_back();
  topic.name = "orders";
  topic.partition_indexes.assign(3, partition_id(0));
  const auto reply = ask<protocol::describe_producers_response>(request, 0);
  EXPECT_EQ(reply.message.topics.front().partitions.size(), 1U);
}

TEST_F(LimitsTest, LeaveOthersTheirTurnWhileALargeAnswerIsMade) {
  start("socket.request.max.bytes=20000000\nqueued.max.request.bytes=40000000\n");
  std::vector<test_client> others;
  for (int i = 0; i < 4; ++i) others.push_back(connect());
  bool done = false;
  client_.spawn([](LimitsTest& test, bool& into) -> rt::task<void> {
    const auto reply = co_await test.call<protocol::describe_configs_response>(all_of_the_broker(200), 4);
    into = reply.has_value();
  }(*this, done));
  ASSERT_TRUE(world_.run_until([&] { return held_bytes() > 1'000'000; }, 60s));
  for (test_client& other : others) EXPECT_TRUE(answers(other, 1s));
  EXPECT_FALSE(done);
  ASSERT_TRUE(world_.run_until([&] { return done; }, 60s));
  EXPECT_TRUE(world_.run_until([&] { return held_bytes() == 0; }, 1s));
}

TEST_F(LimitsTest, MakeNoMoreOfAnAnswerForThoseWhoHaveLeft) {
  start();
  peer_info peer;
  request what;
  what.peer = &peer;
  shard& at = node_->shard_of(0);
  response_room room(at, what);
  EXPECT_TRUE(world_.run(broker_, room.take(1000), 0, patience));
  peer.gone = true;
  EXPECT_FALSE(world_.run(broker_, room.take(1000), 0, patience));
  EXPECT_EQ(what.answer_memory.bytes, 1000U);
  at.answers().give_back(what.answer_memory);
}

TEST_F(LimitsTest, LeaveRequestsTheirTurnWhileNobodyTakesLargeAnswers) {
  start("socket.request.max.bytes=2000000\nqueued.max.request.bytes=2000000\n");
  std::vector<test_client> greedy;
  for (int i = 0; i < 6; ++i) {
    greedy.push_back(connect());
    EXPECT_TRUE(on_client(greedy.back().send(test_client::frame_of(all_of_the_broker(100), 4, 1))));
  }
  world_.run_for(1s);
  EXPECT_GT(held_bytes(), 2'000'000U) << "until it is taken";
  for (int i = 0; i < 2; ++i) {
    test_client other = connect();
    EXPECT_TRUE(answers(other, 1s));
  }
}

TEST_F(LimitsTest, CutOffClientsThatTakeNoAnswerOnceOthersWait) {
  start("socket.request.max.bytes=2000000\nqueued.max.request.bytes=2000000\n");
  std::vector<test_client> greedy;
  for (int i = 0; i < 6; ++i) {
    greedy.push_back(connect());
    EXPECT_TRUE(on_client(greedy.back().send(test_client::frame_of(all_of_the_broker(100), 4, 1))));
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ask<protocol::describe_configs_response>(all_of_the_broker(10), 4).message.results.size(), 10U);
  }
}

TEST_F(LimitsTest, AreNoneForWhatIsUnderWayAtAStop) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  std::optional<errc> told;
  bool closed = false;
  client_.spawn([](LimitsTest& test, std::optional<errc>& into, bool& ended) -> rt::task<void> {
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    protocol::fetch_request request;
    request.max_wait_ms = 3'600'000;
    request.min_bytes = 1;
    request.max_bytes = 1000;
    request.session_epoch = -1;
    auto& topic = request.topics.emplace_back();
    topic.topic = "orders";
    topic.partitions.emplace_back().partition_max_bytes = 1000;
    auto reply = co_await client->call<protocol::fetch_response>(request, 11);
    into = reply ? reply->message.error_code : reply.error().code;
    ended = !co_await client->receive_frame();
  }(*this, told, closed));
  world_.run_for(1s);
  ASSERT_FALSE(told);
  stop();
  world_.run_for(1s);
  EXPECT_EQ(told, errc::none) << "a long poll is answered before the connection ends";
  EXPECT_TRUE(closed);
}

}  // namespace
}  // namespace moldau::broker
