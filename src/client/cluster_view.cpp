#include "client/cluster_view.hpp"

namespace moldau::client {

void cluster_view::apply(const wire::protocol::metadata_response& answer, std::int64_t now_ms) {
  if (!answer.brokers.empty()) nodes_.clear();
  for (const auto& broker : answer.brokers) {
    nodes_[broker.node_id] = {.at = {std::string(broker.host), static_cast<std::uint16_t>(broker.port)},
                              .rack = broker.rack ? std::optional<std::string>(*broker.rack) : std::nullopt};
  }
  controller_ = answer.controller_id;
  if (answer.cluster_id) cluster_id_ = *answer.cluster_id;
  for (const auto& topic : answer.topics) {
    if (!topic.name) continue;
    topic_view& known = topics_[std::string(*topic.name)];
    topic_view fresh{.code = topic.error_code,
                     .id = topic.topic_id,
                     .is_internal = topic.is_internal,
                     .partitions = {},
                     .learned_ms = now_ms};
    for (const auto& partition : topic.partitions) {
      partition_view view{.code = partition.error_code,
                          .leader = partition.leader_id,
                          .leader_epoch = partition.leader_epoch,
                          .replicas = partition.replica_nodes,
                          .in_sync_replicas = partition.isr_nodes,
                          .offline_replicas = partition.offline_replicas};
      const auto before = known.partitions.find(partition.partition_index);
      const bool is_older = before != known.partitions.end() && known.id == topic.topic_id &&
                            before->second.leader_epoch > partition.leader_epoch;
      fresh.partitions[partition.partition_index] = is_older ? before->second : std::move(view);
    }
    known = std::move(fresh);
  }
}

void cluster_view::set_leader(std::string_view topic, partition_id partition, broker_id leader, leader_epoch epoch) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  const auto known = found->second.partitions.find(partition);
  if (known == found->second.partitions.end() || known->second.leader_epoch >= epoch) return;
  known->second.leader = leader;
  known->second.leader_epoch = epoch;
}

void cluster_view::forget(std::string_view topic) {
  const auto found = topics_.find(topic);
  if (found != topics_.end()) found->second.learned_ms = INT64_MIN;
}

void cluster_view::forget_all() {
  nodes_.clear();
  controller_ = no_broker;
  for (auto& [name, known] : topics_) {
    known.learned_ms = INT64_MIN;
    // A cluster that was restored may count its leaders from a smaller number.
    for (auto& [id, partition] : known.partitions) partition.leader_epoch = no_leader_epoch;
  }
}

const topic_view* cluster_view::topic(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : &found->second;
}

const partition_view* cluster_view::partition(std::string_view topic_name, partition_id id) const {
  const topic_view* known = topic(topic_name);
  if (known == nullptr) return nullptr;
  const auto found = known->partitions.find(id);
  return found == known->partitions.end() ? nullptr : &found->second;
}

}  // namespace moldau::client
