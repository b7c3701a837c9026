#include "broker/node.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "broker/tests/test_client.hpp"
#include "config/broker_config.hpp"
#include "testing/sim/simulator.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"
#include "wire/record_reader.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
namespace protocol = wire::protocol;
namespace sim = moldau::testing::sim;
using testing::batch_of;
using testing::test_client;

constexpr const char* properties = R"(
node.id=1
process.roles=broker,controller
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
advertised.listeners=PLAINTEXT://broker:9092,CONTROLLER://broker:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=broker:9093
log.dirs=/data
offsets.topic.replication.factor=1
moldau.admin.port=-1
)";

/// A broker on a simulated host of two cores and a client on another.
class NodeTest : public ::testing::Test {
 public:
  NodeTest() : world_(7, sim::calm()), broker_(world_.add_host("broker", 2)), client_(world_.add_host("client", 1)) {}

  void start() {
    broker_.start([this](sim::host& host) { return run(host); });
    ASSERT_TRUE(world_.run_until([this] { return ready_; }, 60s)) << world_.report();
  }
  void restart() {
    ready_ = false;
    broker_.restart();
    ASSERT_TRUE(world_.run_until([this] { return ready_; }, 60s)) << world_.report();
  }
  void stop() {
    stop_wanted_ = true;
    broker_.core().post([this] { stop_->notify_all(); });
    ASSERT_TRUE(world_.run_until([this] { return !broker_.running(); }, 60s)) << world_.report();
    stop_wanted_ = false;
  }

  rt::task<void> run(sim::host& host) {
    auto loaded = config::broker_config::load(properties);
    EXPECT_TRUE(loaded.config) << config::to_text(loaded.errors, "test");
    rt::event stop;
    stop_ = &stop;
    node::options options;
    for (unsigned i = 0; i < host.core_count(); ++i) options.cores.push_back(&host.core(i));
    options.config = std::make_shared<const config::broker_config>(*std::move(loaded.config));
    options.on_fatal = [](const error& why) { ADD_FAILURE() << why.message; };
    node here(std::move(options));
    const auto started = co_await here.start();
    EXPECT_TRUE(started) << started.error().message;
    ready_ = true;
    while (!stop_wanted_) co_await stop.wait();
    co_await here.stop();
  }

  template <typename T>
  T on_client(rt::task<T> what) {
    return world_.run(client_, std::move(what), 0, 60s);
  }

  rt::task<errc> create_topic(std::string name, std::int32_t partitions) {
    auto client = co_await test_client::connect(client_.core(), {"broker", 9092});
    protocol::create_topics_request request;
    request.timeout_ms = 1000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    auto reply = co_await client->call<protocol::create_topics_response>(request, 7);
    co_return reply ? reply->message.topics.front().error_code : reply.error().code;
  }

  rt::task<result<offset>> produce(std::string topic, std::int16_t acks,
                                   std::initializer_list<std::string_view> values) {
    const shared_bytes batch = batch_of(values, client_.wall_ms());
    auto client = co_await test_client::connect(client_.core(), {"broker", 9092});
    if (!client) co_return std::unexpected<error>(client.error());
    auto reply = co_await client->call<protocol::produce_response>(produce_request(topic, acks, batch), 9);
    if (!reply) co_return std::unexpected<error>(reply.error());
    const auto& partition = reply->message.responses.front().partition_responses.front();
    if (partition.error_code != errc::none) co_return fail(partition.error_code);
    co_return partition.base_offset;
  }

  static protocol::produce_request produce_request(std::string_view topic, std::int16_t acks, bytes_view batch) {
    protocol::produce_request request;
    request.acks = acks;
    request.timeout_ms = 5000;
    auto& data = request.topic_data.emplace_back();
    data.name = topic;
    auto& partition = data.partition_data.emplace_back();
    partition.index = partition_id(0);
    partition.records = batch;
    return request;
  }

  static protocol::fetch_request fetch_request(std::string_view topic, offset from, std::int32_t max_wait_ms) {
    protocol::fetch_request request;
    request.replica_id = broker_id(-1);
    request.max_wait_ms = max_wait_ms;
    request.min_bytes = 1;
    request.max_bytes = 1 << 20;
    request.session_epoch = -1;
    auto& of_topic = request.topics.emplace_back();
    of_topic.topic = topic;
    auto& partition = of_topic.partitions.emplace_back();
    partition.partition = partition_id(0);
    partition.fetch_offset = from;
    partition.partition_max_bytes = 1 << 20;
    return request;
  }

  static std::vector<std::string> values_of(const protocol::fetch_response& response) {
    std::vector<std::string> out;
    wire::codec_context context;
    wire::batch_iterator batches(response.responses.front().partitions.front().records.bytes());
    for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
      auto reader = wire::record_reader::open(**batch, context);
      record_view record;
      while (reader && reader->next(record).value_or(false)) out.emplace_back(as_text(*record.value));
    }
    return out;
  }

  rt::task<std::vector<std::string>> consume(std::string topic, offset from) {
    auto client = co_await test_client::connect(client_.core(), {"broker", 9092});
    auto reply = co_await client->call<protocol::fetch_response>(fetch_request(topic, from, 100), 11);
    EXPECT_TRUE(reply);
    co_return values_of(reply->message);
  }

  sim::simulator world_;
  sim::host& broker_;
  sim::host& client_;
  rt::event* stop_ = nullptr;
  bool ready_ = false;
  bool stop_wanted_ = false;
};

using Values = std::vector<std::string>;

TEST_F(NodeTest, GivesBackWhatWasProduced) {
  start();
  ASSERT_EQ(on_client(create_topic("orders", 1)), errc::none);
  EXPECT_EQ(on_client(produce("orders", -1, {"a", "b"})), offset(0));
  EXPECT_EQ(on_client(produce("orders", 1, {"c"})), offset(2));
  EXPECT_EQ(on_client(consume("orders", offset(1))), (Values{"a", "b", "c"}));
}

TEST_F(NodeTest, KeepsWhatWasAcknowledgedThroughAPowerCut) {
  start();
  ASSERT_EQ(on_client(create_topic("orders", 1)), errc::none);
  ASSERT_EQ(on_client(produce("orders", -1, {"a", "b"})), offset(0));
  broker_.crash(sim::power_cut::lose_all());
  restart();
  EXPECT_EQ(on_client(consume("orders", offset(0))), (Values{"a", "b"}));
}

TEST_F(NodeTest, StopsCleanlyAndStartsAgain) {
  start();
  ASSERT_EQ(on_client(create_topic("orders", 1)), errc::none);
  ASSERT_EQ(on_client(produce("orders", -1, {"a"})), offset(0));
  stop();
  EXPECT_TRUE(broker_.disk().content_of("/data/.kafka_cleanshutdown"));
  restart();
  EXPECT_EQ(on_client(produce("orders", -1, {"b"})), offset(1));
}

TEST_F(NodeTest, ServesTheLeaderEpochThatTheMetadataSaysAfterARestart) {
  start();
  ASSERT_EQ(on_client(create_topic("orders", 1)), errc::none);
  broker_.crash(sim::power_cut::lose_all());
  restart();
  const auto [told, code] = on_client([](NodeTest& test) -> rt::task<std::pair<leader_epoch, errc>> {
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    protocol::metadata_request wanted;
    wanted.topics.emplace().emplace_back().name = "orders";
    auto metadata = co_await client->call<protocol::metadata_response>(wanted, 12);
    const leader_epoch epoch = metadata->message.topics.front().partitions.front().leader_epoch;
    auto request = fetch_request("orders", offset(0), 0);
    request.topics.front().partitions.front().current_leader_epoch = epoch;
    auto reply = co_await client->call<protocol::fetch_response>(request, 11);
    co_return std::pair(epoch, reply->message.responses.front().partitions.front().error_code);
  }(*this));
  EXPECT_GT(told, leader_epoch(0));
  EXPECT_EQ(code, errc::none);
}

TEST_F(NodeTest, LeadsOnWhileASlowDiskMakesANewTopic) {
  start();
  ASSERT_EQ(on_client(create_topic("orders", 1)), errc::none);
  sim::disk_options& disk = broker_.disk().faults();
  const sim::disk_options before = std::exchange(disk, {.latency{1s, 1s}, .sync_latency{1s, 1s}});
  const rt::duration begun = world_.now();
  ASSERT_EQ(on_client(create_topic("large", 8)), errc::none);
  disk = before;
  // Longer than broker.session.timeout.ms.
  ASSERT_GT(world_.now() - begun, 20s);
  EXPECT_EQ(on_client(produce("orders", -1, {"a"})), offset(0));
}

TEST_F(NodeTest, AnswersALongPollWhenSomethingIsProduced) {
  start();
  ASSERT_EQ(on_client(create_topic("orders", 1)), errc::none);
  Values got;
  client_.spawn([](NodeTest& test, Values& into) -> rt::task<void> {
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    auto reply = co_await client->call<protocol::fetch_response>(fetch_request("orders", offset(0), 3'600'000), 11);
    into = values_of(reply->message);
  }(*this, got));
  world_.run_for(1s);
  ASSERT_TRUE(got.empty());
  ASSERT_EQ(on_client(produce("orders", -1, {"a"})), offset(0));
  EXPECT_TRUE(world_.run_until([&] { return !got.empty(); }, 10s));
  EXPECT_EQ(got, Values{"a"});
}

TEST_F(NodeTest, AppendsPipelinedProducesInTheirOrder) {
  start();
  ASSERT_EQ(on_client(create_topic("orders", 1)), errc::none);
  const auto offsets = on_client([](NodeTest& test) -> rt::task<std::vector<offset>> {
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    for (std::int32_t i = 0; i < 20; ++i) {
      const shared_bytes batch = batch_of({std::to_string(i)}, test.client_.wall_ms());
      const auto sent = co_await client->send(test_client::frame_of(
          produce_request("orders", static_cast<std::int16_t>(i % 2 == 0 ? -1 : 1), batch), 9, i));
      EXPECT_TRUE(sent);
    }
    std::vector<offset> out;
    for (int i = 0; i < 20; ++i) {
      auto reply = co_await client->receive<protocol::produce_response>(9);
      EXPECT_TRUE(reply);
      if (reply) out.push_back(reply->message.responses.front().partition_responses.front().base_offset);
    }
    co_return out;
  }(*this));
  ASSERT_EQ(offsets.size(), 20U);
  for (std::size_t i = 0; i < offsets.size(); ++i) EXPECT_EQ(offsets[i], offset(static_cast<std::int64_t>(i)));
}

TEST_F(NodeTest, ClosesAConnectionThatClaimsTooLongAFrame) {
  start();
  const auto ended = on_client([](NodeTest& test) -> rt::task<bool> {
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    shared_bytes frame = shared_bytes::allocate(4);
    bytes::store_be(frame.writable().data(), std::int32_t{0x7fffffff});
    EXPECT_TRUE(co_await client->send(std::move(frame)));
    co_return !co_await client->receive_frame();
  }(*this));
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace moldau::broker
