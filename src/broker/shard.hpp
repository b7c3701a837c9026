#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/connection.hpp"
#include "broker/fetch_session.hpp"
#include "broker/memory_budget.hpp"
#include "broker/metrics.hpp"
#include "broker/request.hpp"
#include "broker/topic_view.hpp"
#include "broker/wiring/group_service.hpp"
#include "config/broker_config.hpp"
#include "metadata/changes.hpp"
#include "metadata/image.hpp"
#include "replica/partition.hpp"
#include "rt/callback_list.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/world.hpp"
#include "storage/log_manager.hpp"
#include "wire/compression.hpp"

namespace moldau::broker {

class node;

/// What all cores of a broker see the same: replaced as a whole when metadata changes, never edited.
struct cluster_view {
  std::shared_ptr<const metadata::image> image;
  std::shared_ptr<const config::broker_config> config;
};

/// One core's part of a broker: its connections, the partitions that live on it, and its view of the cluster.
/// Everything but the constructor is called on its own core.
class shard final : public request_handler {
 public:
  /// Kafka's own tools write to internal topics under this client id.
  static constexpr std::string_view admin_client_id = "__admin_client";

  struct options {
    std::size_t request_memory_bytes = 64U << 20U;
    connection_limits limits;
    std::int64_t idle_max_ms = 600'000;
    std::size_t fetch_session_slots = 1000;
    bool ack_after_sync = true;
  };

  shard(rt::world& world, node& owner, options options);

  [[nodiscard]] rt::world& world() { return world_; }
  [[nodiscard]] const base::logger& log() const { return log_; }
  [[nodiscard]] node& owner() { return node_; }
  [[nodiscard]] shard& on_core(unsigned core);
  [[nodiscard]] wire::codec_context& codecs() { return codecs_; }
  [[nodiscard]] fetch_sessions& sessions() { return sessions_; }
  [[nodiscard]] shard_metrics& metrics() { return metrics_; }
  [[nodiscard]] memory_budget& budget() { return budget_; }
  [[nodiscard]] const memory_budget& budget() const { return budget_; }
  /// The same again for large answers: what clients ask for and don't take keeps nobody's request from coming in.
  [[nodiscard]] memory_budget& answers() { return answers_; }
  [[nodiscard]] const memory_budget& answers() const { return answers_; }
  /// One answer may be as large as one request: `socket.request.max.bytes`.
  [[nodiscard]] std::size_t response_bytes_max() const { return options_.limits.request_max_bytes; }
  /// Whether no answer to this API was found before that can't be encoded.
  [[nodiscard]] bool is_first_unanswerable(std::int16_t api_key) { return unanswerable_.insert(api_key).second; }
  [[nodiscard]] group_service& groups() { return groups_; }

  [[nodiscard]] const metadata::image& image() const { return *view_.image; }
  [[nodiscard]] const config::broker_config& config() const { return *view_.config; }
  /// For whoever suspends while reading it.
  [[nodiscard]] const cluster_view& view() const { return view_; }

  /// Null if there is none. Valid until the next suspension.
  [[nodiscard]] const topic_view* find_topic(std::string_view name);
  [[nodiscard]] const topic_view* find_topic(const topic_id& id);
  /// The core that a partition lives on.
  [[nodiscard]] unsigned core_of(const topic_id_partition& id) const;
  /// The partition if it lives here and is open; otherwise null. Hold a `use` across a suspension.
  [[nodiscard]] replica::partition* find_partition(const topic_id_partition& id) const;

  // What the node does to its shards as metadata changes.
  /// Opens the partition, or tells an open one what its role is now.
  void open_partition(storage::log& log, const topic_id_partition& id, const replica::partition::role& role);
  /// Ends the partition's waits; returns when nobody uses it any more.
  rt::task<void> close_partition(topic_id_partition id);
  void publish(cluster_view view, const metadata::image_changes& changes);

  /// Takes over a connection that core 0 accepted.
  void serve(std::unique_ptr<rt::connection> socket, std::string listener);
  /// Answers what is in flight, then closes the connections; those still there at `deadline` are cut.
  rt::task<void> drain(rt::time_point deadline);
  /// Ends coordinators and partitions, once every core is drained: requests cross cores until then.
  rt::task<void> close();
  [[nodiscard]] bool stopping() const { return stopping_; }
  /// Called when the broker stops: long polls wait no longer.
  void on_stop(rt::callback& what) { on_stop_.add(what); }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  template <typename Visit>
  void for_each_connection(Visit visit) const {
    for (const auto& one : connections_) visit(*one);
  }
  [[nodiscard]] const auto& partitions() const { return partitions_; }

  rt::task<answer> handle(request& what) override;

 private:
  rt::task<void> run_connection(std::unique_ptr<rt::connection> socket, std::string listener);
  /// Closes what `connections.max.idle.ms` says, and what holds up others.
  rt::task<void> watch_connections();
  /// Any of them may end, and leave the list, while one is acted on.
  void for_all_connections(const std::function<void(connection&)>& act);

  rt::world& world_;
  node& node_;
  options options_;
  base::logger log_;
  shard_metrics metrics_;
  memory_budget budget_;
  memory_budget answers_;
  wire::codec_context codecs_;
  fetch_sessions sessions_;
  cluster_view view_;

  struct name_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
  };
  std::unordered_map<std::string, std::unique_ptr<topic_view>, name_hash, std::equal_to<>> topics_;
  std::unordered_map<topic_id_partition, std::unique_ptr<replica::partition>> partitions_;

  std::list<std::shared_ptr<connection>> connections_;
  rt::gate running_;
  rt::callback_list on_stop_;
  group_service groups_{*this};
  rt::event watch_tick_;
  std::unique_ptr<rt::timer> watch_timer_;
  bool stopping_ = false;
  std::set<std::int16_t> unanswerable_;
};

}  // namespace moldau::broker
