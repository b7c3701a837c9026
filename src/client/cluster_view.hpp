#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "rt/transport.hpp"
#include "wire/protocol/metadata_response.hpp"

namespace moldau::client {

struct partition_view {
  errc code = errc::none;
  broker_id leader = no_broker;
  moldau::leader_epoch leader_epoch = no_leader_epoch;
  std::vector<broker_id> replicas;
  std::vector<broker_id> in_sync_replicas;
  std::vector<broker_id> offline_replicas;
};

struct topic_view {
  errc code = errc::none;
  topic_id id;
  bool is_internal = false;
  std::map<partition_id, partition_view> partitions;
  /// By the client's monotonic clock; INT64_MIN: to be asked again.
  std::int64_t learned_ms = 0;
};

struct node_view {
  rt::endpoint at;
  std::optional<std::string> rack;
};

/// What the last answers said of the cluster. Plain data on the client's thread.
class cluster_view {
 public:
  /// Takes an answer in. Leaders of older epochs don't replace newer ones (KIP-320).
  void apply(const wire::protocol::metadata_response& answer, std::int64_t now_ms);
  /// The brokers changed their minds in an answer to something else (KIP-951).
  void set_leader(std::string_view topic, partition_id partition, broker_id leader, leader_epoch epoch);
  /// What is known of a topic is to be asked again.
  void forget(std::string_view topic);
  /// The brokers are forgotten, and everything about topics is to be asked again.
  void forget_all();

  [[nodiscard]] const topic_view* topic(std::string_view name) const;
  [[nodiscard]] const partition_view* partition(std::string_view topic, partition_id id) const;
  [[nodiscard]] const std::map<broker_id, node_view>& nodes() const { return nodes_; }
  [[nodiscard]] std::size_t topic_count() const { return topics_.size(); }
  [[nodiscard]] broker_id controller() const { return controller_; }
  [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }

 private:
  std::map<broker_id, node_view> nodes_;
  std::map<std::string, topic_view, std::less<>> topics_;
  broker_id controller_ = no_broker;
  std::string cluster_id_;
};

}  // namespace moldau::client
