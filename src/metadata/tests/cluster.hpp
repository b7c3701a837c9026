#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/broker_config.hpp"
#include "metadata/changes.hpp"
#include "metadata/controller.hpp"
#include "metadata/format.hpp"
#include "wire/arena.hpp"
#include "wire/protocol/broker_heartbeat_request.hpp"
#include "wire/protocol/broker_heartbeat_response.hpp"
#include "wire/protocol/broker_registration_request.hpp"
#include "wire/protocol/broker_registration_response.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"

namespace moldau::metadata {

inline constexpr std::string_view test_cluster_id = "4L6g3nShT-eMCtK--X86sw";

inline uuid small_uuid(std::uint8_t n) {
  std::array<std::byte, 16> bytes{};
  bytes[0] = std::byte{1};
  bytes[15] = std::byte{n};
  return uuid(bytes);
}

/// A controller and the log that it writes, all of which counts as committed at once. Time is a number.
class cluster : public testing::Test {
 protected:
  cluster() { start({}); }

  /// A controller on an empty log whose node has these properties as well.
  void start(const config::settings& overrides) {
    auto loaded = config::broker_config::default_standalone(overrides);
    ASSERT_TRUE(loaded.config) << (loaded.errors.empty() ? "" : loaded.errors[0].message);
    config_ = std::make_unique<config::broker_config>(*std::move(loaded.config));
    log_.clear();
    now_ms_ = 0;
    activate(std::make_shared<const image>(), offset(3));
  }

  void activate(std::shared_ptr<const image> committed, offset end) {
    controller_ = std::make_unique<controller>(controller_options{.node = broker_id(1),
                                                                  .cluster_id = std::string(test_cluster_id),
                                                                  .config = config_.get(),
                                                                  .random = [this] { return ++random_; },
                                                                  .session_timeout_ms = 9000,
                                                                  .max_idle_interval_ms = 0});
    const auto files = format_metadata_directory({.node = broker_id(1), .standalone = false});
    std::string bootstrap;
    for (const auto& part : files[0].contents) bootstrap += as_text(part);
    append(controller_->activate(std::move(committed), leader_epoch(1), end, *read_bootstrap(as_bytes(bootstrap)),
                                 now_ms_));
  }

  template <typename Outcome>
  Outcome append(Outcome outcome) {
    last_.clear();
    for (const auto& record : outcome.records) {
      log_.emplace_back(as_text(record));
      last_.push_back(static_cast<int>(record.view()[1]));
    }
    return outcome;
  }

  wire::protocol::broker_registration_request registration(std::int32_t id, std::uint8_t incarnation = 1) {
    wire::protocol::broker_registration_request r;
    r.broker_id = broker_id(id);
    r.cluster_id = test_cluster_id;
    r.incarnation_id = small_uuid(incarnation);
    r.rack.reset();
    auto& l = r.listeners.emplace_back();
    l.name = "PLAINTEXT";
    l.host = "127.0.0.1";
    l.port = static_cast<std::uint16_t>(9092 + id);
    for (const auto& [name, range] : supported_features()) {
      auto& f = r.features.emplace_back();
      f.name = name;
      f.min_supported_version = range.min;
      f.max_supported_version = range.max;
    }
    r.log_dirs.push_back(small_uuid(static_cast<std::uint8_t>(100 + id)));
    return r;
  }

  wire::protocol::broker_heartbeat_response heartbeat(std::int32_t id, bool want_shut_down = false) {
    wire::protocol::broker_heartbeat_request r;
    r.broker_id = broker_id(id);
    r.broker_epoch = controller_->latest().find_broker(broker_id(id))->epoch;
    r.current_metadata_offset = offset(1'000'000);
    r.want_shut_down = want_shut_down;
    return append(controller_->heartbeat(r, now_ms_)).response;
  }

  /// Registers a broker and brings it up.
  void add_broker(std::int32_t id) {
    ASSERT_EQ(append(controller_->register_broker(registration(id), now_ms_)).response.error_code, errc::none);
    ASSERT_FALSE(heartbeat(id).is_fenced);
  }

  wire::protocol::create_topics_request::creatable_topic asked_topic(std::string_view name, std::int32_t partitions = 1,
                                                                     std::int16_t replication_factor = 1) {
    wire::protocol::create_topics_request::creatable_topic t;
    t.name = name;
    t.num_partitions = partitions;
    t.replication_factor = replication_factor;
    return t;
  }

  wire::protocol::create_topics_response create(
      std::vector<wire::protocol::create_topics_request::creatable_topic> topics, bool validate_only = false) {
    wire::protocol::create_topics_request r;
    r.topics = std::move(topics);
    r.validate_only = validate_only;
    return append(controller_->create_topics(r, now_ms_, arena_)).response;
  }

  const partition& partition_of(std::string_view topic, std::int32_t id = 0) {
    return *controller_->latest().find_partition(topic, partition_id(id));
  }

  std::unique_ptr<config::broker_config> config_;
  std::unique_ptr<controller> controller_;
  wire::arena arena_;
  std::uint64_t random_ = 41;
  std::int64_t now_ms_ = 0;
  /// Every record that was written, and the types of those that the last call wrote.
  std::vector<std::string> log_;
  std::vector<int> last_;
};

}  // namespace moldau::metadata
