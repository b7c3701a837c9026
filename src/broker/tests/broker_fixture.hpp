#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/node.hpp"
#include "broker/tests/test_client.hpp"
#include "config/broker_config.hpp"
#include "testing/sim/simulator.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"
#include "wire/protocol/incremental_alter_configs_request.hpp"
#include "wire/protocol/incremental_alter_configs_response.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"

namespace moldau::broker::testing {

namespace sim = moldau::testing::sim;
namespace protocol = wire::protocol;

/// A broker with its controller on a simulated host of two cores, and a client's host. Requests are asked one at a time
/// and answered in virtual time.
class broker_fixture : public ::testing::Test {
 public:
  static constexpr std::chrono::seconds patience{60};
  using settings = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit broker_fixture(sim::options options = sim::calm())
      : world_(11, options), broker_(world_.add_host("broker", 2)), client_(world_.add_host("client", 1)) {}

  /// `properties` come on top of those of a combined node. May be called again once the broker has stopped.
  void start(std::string_view properties = {}) {
    ready_ = false;
    stop_wanted_ = false;
    properties_ = std::string(
                      "node.id=1\nprocess.roles=broker,controller\n"
                      "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
                      "advertised.listeners=PLAINTEXT://broker:9092,CONTROLLER://broker:9093\n"
                      "controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=broker:9093\n"
                      "log.dirs=/data\noffsets.topic.replication.factor=1\n") +
                  std::string(properties);
    if (broker_.ended()) {
      broker_.restart();
    } else {
      broker_.start([this](sim::host& host) { return run(host); });
    }
    ASSERT_TRUE(world_.run_until([this] { return ready_; }, patience)) << world_.report();
  }
  void begin_stop() {
    stop_wanted_ = true;
    broker_.core().post([this] { stop_->notify_all(); });
  }
  void stop() {
    begin_stop();
    ASSERT_TRUE(world_.run_until([this] { return !broker_.running(); }, patience)) << world_.report();
  }

  template <typename T>
  T on_client(rt::task<T> what) {
    return world_.run(client_, std::move(what), 0, patience);
  }

  template <typename Response, typename Request>
  rt::task<result<test_client::reply<Response>>> call(const Request& request, std::int16_t version,
                                                      std::uint16_t port = 9092) {
    auto client = co_await test_client::connect(client_.core(), {"broker", port});
    if (!client) co_return std::unexpected<error>(client.error());
    co_return co_await client->template call<Response>(request, version);
  }
  /// Asks over a connection of its own. The test fails if it is closed instead.
  template <typename Response, typename Request>
  test_client::reply<Response> ask(const Request& request, std::int16_t version, std::uint16_t port = 9092) {
    auto reply = on_client(call<Response>(request, version, port));
    EXPECT_TRUE(reply) << reply.error().message << "\n" << world_.report();
    return reply ? *std::move(reply) : test_client::reply<Response>{};
  }
  /// Whether the connection is closed instead of an answer.
  template <typename Response, typename Request>
  bool is_closed_by(const Request& request, std::int16_t version, std::uint16_t port = 9092) {
    return !on_client(call<Response>(request, version, port));
  }

  errc create_topic(std::string_view name, std::int32_t partitions = 1, settings configs = {}) {
    protocol::create_topics_request request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    for (const auto& [key, value] : configs) topic.configs.push_back({.name = key, .value = value});
    return ask<protocol::create_topics_response>(request, 7).message.topics.front().error_code;
  }

  /// Sets a broker's property at run time: for all brokers if `broker` is empty.
  errc set_broker_config(std::string_view broker, std::string_view name, std::string_view value) {
    protocol::incremental_alter_configs_request request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = 4;
    resource.resource_name = broker;
    resource.configs.push_back({.name = name, .config_operation = 0, .value = value});
    return ask<protocol::incremental_alter_configs_response>(request, 1).message.responses.front().error_code;
  }

  static protocol::produce_request produce_request(std::string_view topic, bytes_view batch, std::int16_t acks = -1,
                                                   std::int32_t partition = 0) {
    protocol::produce_request request;
    request.acks = acks;
    request.timeout_ms = 5000;
    request.transactional_id = std::nullopt;
    auto& data = request.topic_data.emplace_back();
    data.name = topic;
    auto& to = data.partition_data.emplace_back();
    to.index = partition_id(partition);
    to.records = batch;
    return request;
  }

  /// What a produce came to for its one partition, copied out of the frame.
  struct produced {
    errc error = errc::none;
    offset base = no_offset;
    std::int64_t log_append_time_ms = -1;
    offset log_start = no_offset;
    std::string message;
    std::vector<std::pair<std::int32_t, std::string>> record_errors;
  };
  static produced outcome_of(const protocol::produce_response& response) {
    const auto& from = response.responses.front().partition_responses.front();
    produced out{.error = from.error_code,
                 .base = from.base_offset,
                 .log_append_time_ms = from.log_append_time_ms,
                 .log_start = from.log_start_offset,
                 .message = std::string(from.error_message.value_or("")),
                 .record_errors = {}};
    for (const auto& one : from.record_errors) {
      out.record_errors.emplace_back(one.batch_index, one.batch_index_error_message.value_or(""));
    }
    return out;
  }
  produced produce(const protocol::produce_request& request, std::int16_t version = 9) {
    return outcome_of(ask<protocol::produce_response>(request, version).message);
  }
  produced produce_values(std::string_view topic, std::initializer_list<std::string_view> values,
                          std::int16_t acks = -1) {
    const shared_bytes batch = batch_of(values, client_.wall_ms());
    return produce(produce_request(topic, batch, acks));
  }

  sim::simulator world_;
  sim::host& broker_;
  sim::host& client_;
  node* node_ = nullptr;
  std::optional<error> start_error_;
  /// Does something to the disk before the node starts.
  std::function<void(rt::file_system&)> before_start_;

 private:
  rt::task<void> run(sim::host& host) {
    auto loaded = config::broker_config::load(properties_);
    EXPECT_TRUE(loaded.config) << config::to_text(loaded.errors, "test");
    rt::event stop;
    stop_ = &stop;
    if (before_start_) std::exchange(before_start_, nullptr)(host.core().files());
    node::options options;
    for (unsigned i = 0; i < host.core_count(); ++i) options.cores.push_back(&host.core(i));
    options.config = std::make_shared<const config::broker_config>(*std::move(loaded.config));
    options.on_fatal = [](const error& why) { ADD_FAILURE() << why.message; };
    node here(std::move(options));
    node_ = &here;
    const auto started = co_await here.start();
    if (!started) start_error_ = started.error();
    ready_ = true;
    if (!started) {
      co_await here.abandon();
    } else {
      while (!stop_wanted_) co_await stop.wait();
      co_await here.stop();
    }
    node_ = nullptr;
  }

  std::string properties_;
  rt::event* stop_ = nullptr;
  bool ready_ = false;
  bool stop_wanted_ = false;
};

}  // namespace moldau::broker::testing
