#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/broker_config.hpp"
#include "metadata/image.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::wire {
class arena;
}
namespace moldau::wire::protocol::create_topics_request_types {
struct creatable_topic;
}
namespace moldau::wire::protocol::create_partitions_request_types {
struct create_partitions_topic;
}
namespace moldau::wire::protocol {
struct allocate_producer_ids_request;
struct allocate_producer_ids_response;
struct alter_configs_request;
struct alter_configs_response;
struct assign_replicas_to_dirs_request;
struct assign_replicas_to_dirs_response;
struct broker_heartbeat_request;
struct broker_heartbeat_response;
struct broker_registration_request;
struct broker_registration_response;
struct controller_registration_request;
struct controller_registration_response;
struct create_partitions_request;
struct create_partitions_response;
struct create_topics_request;
struct create_topics_response;
struct delete_topics_request;
struct delete_topics_response;
struct incremental_alter_configs_request;
struct incremental_alter_configs_response;
struct unregister_broker_request;
struct unregister_broker_response;
struct update_features_request;
struct update_features_response;
}  // namespace moldau::wire::protocol

namespace moldau::metadata {

struct controller_options {
  /// This node and its cluster, which registrations must name.
  broker_id node = no_broker;
  std::string cluster_id;
  /// This node's configuration: defaults of new topics, what topics inherit. Must outlive the controller.
  const config::broker_config* config = nullptr;
  /// Fresh random bits for topic ids and placement, from the world.
  std::function<std::uint64_t()> random;
  /// The quorum's.
  std::int16_t kraft_version = 1;
  /// `broker.session.timeout.ms`
  std::int64_t session_timeout_ms = 9'000;
  /// `metadata.max.idle.interval.ms`; 0: no NoOpRecords.
  std::int64_t max_idle_interval_ms = 500;
};

struct partition_change;

/// What a request came to.
///
/// `records` are to be appended at once, at `first_offset` (which is `raft::quorum::end_offset()`: nothing else may be
/// appended in between), and `response` to be sent when the last of them is committed. With no records, the response
/// goes out when everything appended before is committed: it may tell of that.
template <typename Response>
struct outcome {
  Response response;
  std::vector<shared_bytes> records;
  offset first_offset = no_offset;
};
/// Records without a request.
struct spontaneous {
  std::vector<shared_bytes> records;
  offset first_offset = no_offset;
};

/// The active controller: validates requests against the newest state and turns them into metadata records. Sans-I/O,
/// on one core; time comes in as milliseconds of a clock that never steps.
///
/// Its own image runs ahead of the published ones by the records that aren't committed yet. Nothing here rolls back: a
/// quorum of one commits whatever its disk takes, and a node whose disk fails stops. With several voters a controller
/// that loses the lead is thrown away, and a new one is made from the committed image: `activate` again.
///
/// Text and bytes of a response live in the `arena` given; nothing of it points into the request.
/// Handlers never fail: what is wrong stands in the response, in Kafka's words. They are called only while `active()`;
/// otherwise the caller answers NOT_CONTROLLER.
class controller {
 public:
  explicit controller(controller_options options);
  ~controller();

  /// This node leads `epoch`, and `committed` holds everything in the log, which ends at `end`. On an empty log (no
  /// metadata.version yet) the first transaction is written from `bootstrap` (what `read_bootstrap` gave; nothing when
  /// there is no such file: then with the defaults). With
  /// `open_transaction` (`loader::in_transaction`) the log ends in one that its writer didn't finish: it is aborted.
  [[nodiscard]] spontaneous activate(std::shared_ptr<const image> committed, leader_epoch epoch, offset end,
                                     const std::vector<shared_bytes>& bootstrap, std::int64_t now_ms,
                                     bool open_transaction = false);
  [[nodiscard]] bool active() const { return active_; }
  /// This node leads no more.
  void deactivate();

  /// What time brings: brokers whose session ran out are fenced, and a NoOpRecord says that the log is alive. Call at
  /// `next_poll_ms` or later.
  [[nodiscard]] spontaneous poll(std::int64_t now_ms);
  [[nodiscard]] std::int64_t next_poll_ms() const;

  /// The newest state, uncommitted records included.
  [[nodiscard]] const image& latest() const { return latest_; }

  [[nodiscard]] outcome<wire::protocol::create_topics_response> create_topics(
      const wire::protocol::create_topics_request& request, std::int64_t now_ms, wire::arena& arena);
  [[nodiscard]] outcome<wire::protocol::delete_topics_response> delete_topics(
      const wire::protocol::delete_topics_request& request, std::int64_t now_ms, wire::arena& arena);
  [[nodiscard]] outcome<wire::protocol::create_partitions_response> create_partitions(
      const wire::protocol::create_partitions_request& request, std::int64_t now_ms, wire::arena& arena);
  [[nodiscard]] outcome<wire::protocol::incremental_alter_configs_response> incremental_alter_configs(
      const wire::protocol::incremental_alter_configs_request& request, std::int64_t now_ms, wire::arena& arena);
  [[nodiscard]] outcome<wire::protocol::alter_configs_response> alter_configs(
      const wire::protocol::alter_configs_request& request, std::int64_t now_ms, wire::arena& arena);
  /// `version` is the request's: from 2 on the response has one error for all features.
  [[nodiscard]] outcome<wire::protocol::update_features_response> update_features(
      const wire::protocol::update_features_request& request, std::int16_t version, std::int64_t now_ms,
      wire::arena& arena);
  [[nodiscard]] outcome<wire::protocol::broker_registration_response> register_broker(
      const wire::protocol::broker_registration_request& request, std::int64_t now_ms);
  [[nodiscard]] outcome<wire::protocol::broker_heartbeat_response> heartbeat(
      const wire::protocol::broker_heartbeat_request& request, std::int64_t now_ms);
  /// Where a broker's replicas lie, as it tells when that isn't what the metadata says.
  [[nodiscard]] outcome<wire::protocol::assign_replicas_to_dirs_response> assign_replicas_to_dirs(
      const wire::protocol::assign_replicas_to_dirs_request& request, std::int64_t now_ms);
  [[nodiscard]] outcome<wire::protocol::controller_registration_response> register_controller(
      const wire::protocol::controller_registration_request& request, std::int64_t now_ms, wire::arena& arena);
  [[nodiscard]] outcome<wire::protocol::allocate_producer_ids_response> allocate_producer_ids(
      const wire::protocol::allocate_producer_ids_request& request, std::int64_t now_ms);
  [[nodiscard]] outcome<wire::protocol::unregister_broker_response> unregister_broker(
      const wire::protocol::unregister_broker_request& request, std::int64_t now_ms, wire::arena& arena);

 private:
  using record_list = std::vector<shared_bytes>;

  /// What is known of a broker beyond its registration, by this controller since it is active.
  struct session {
    std::int64_t last_contact_ms = 0;
    /// Whether it has spoken to this controller yet.
    bool contacted = false;
    /// The end of the records that its controlled shutdown came to; -1 while it wants none.
    std::int64_t shutdown_offset = -1;
    /// The last metadata offset that it says it has.
    std::int64_t metadata_offset = -1;
  };

  /// Applies `records` to the latest state and gives them their place in the log.
  [[nodiscard]] offset commit(const record_list& records, std::int64_t now_ms);
  template <typename Response>
  [[nodiscard]] outcome<Response> finish(Response response, record_list records, std::int64_t now_ms) {
    const offset first = commit(records, now_ms);
    return {.response = std::move(response), .records = std::move(records), .first_offset = first};
  }
  [[nodiscard]] spontaneous finish(record_list records, std::int64_t now_ms) {
    const offset first = commit(records, now_ms);
    return {.records = std::move(records), .first_offset = first};
  }
  [[nodiscard]] std::int16_t metadata_version() const { return latest_.metadata_version(); }
  [[nodiscard]] uuid random_uuid();

  // controller_topics.cpp
  struct new_topic;
  [[nodiscard]] result<new_topic> plan_topic(const wire::protocol::create_topics_request_types::creatable_topic& asked,
                                             std::size_t room);
  [[nodiscard]] result<std::vector<partition>> plan_partitions(
      const wire::protocol::create_topics_request_types::creatable_topic& asked, std::size_t room);
  [[nodiscard]] result<partition> plan_partition(partition_id id, const std::vector<broker_id>& replicas) const;
  [[nodiscard]] result<void> check_manual_assignment(const std::vector<broker_id>& replicas,
                                                     std::optional<std::size_t> replication_factor) const;
  [[nodiscard]] result<record_list> plan_more_partitions(
      const wire::protocol::create_partitions_request_types::create_partitions_topic& asked, std::size_t room);

  // controller_configs.cpp
  struct config_change;
  /// `clears`: what has to follow after all resources' records.
  [[nodiscard]] result<void> alter_resource(const config_resource& resource, const std::vector<config_change>& changes,
                                            record_list& out, record_list& clears) const;
  /// What both ways to alter configurations share; `change_of(resource, config)` gives the change that one asks for.
  template <typename Response, typename Request, typename ChangeOf>
  [[nodiscard]] outcome<Response> alter_each(const Request& request, std::int64_t now_ms, wire::arena& arena,
                                             ChangeOf change_of);
  [[nodiscard]] result<void> check_resource(const config_resource& resource) const;
  [[nodiscard]] result<void> check_configs(const config_resource& resource, const config_map& all,
                                           const std::vector<config_change>& changes) const;

  // controller_brokers.cpp
  enum class broker_state : std::uint8_t { fenced, unfenced, controlled_shutdown, shutdown_now };
  [[nodiscard]] broker_state state_of(const broker_registration& broker) const;
  [[nodiscard]] broker_state next_state(const broker_registration& broker,
                                        const wire::protocol::broker_heartbeat_request& request) const;
  [[nodiscard]] bool has_leaderships(broker_id broker) const;
  [[nodiscard]] bool has_live_session(const broker_registration& broker, std::int64_t now_ms) const;
  [[nodiscard]] result<broker_registration> check_registration(
      const wire::protocol::broker_registration_request& request, std::int64_t now_ms) const;
  void fence(const broker_registration& broker, record_list& out) const;
  void unfence(const broker_registration& broker, record_list& out) const;
  void begin_shutdown(const broker_registration& broker, record_list& out) const;
  void change_directories(const broker_registration& broker, const wire::protocol::broker_heartbeat_request& request,
                          record_list& out) const;

  // controller_partitions.cpp
  /// Which broker's state changes, for the partitions that follow from it.
  struct broker_change {
    broker_id removed = no_broker;
    broker_id added = no_broker;
    /// Was killed: what it had may be gone, so it isn't eligible to lead (KIP-966).
    broker_id unclean = no_broker;
  };
  /// A change of the partition in which nothing but its leader may have to be another. Refers to the arguments.
  [[nodiscard]] partition_change change_of_partition(const topic_id& id, const topic& t, const partition& p,
                                                     const broker_change& change) const;
  /// Changes leader and ISR of every partition that `concerned` picks.
  void change_leaders(const broker_change& change, const std::function<bool(const partition&)>& concerned,
                      record_list& out) const;
  [[nodiscard]] errc assign_directory(const topic* of, partition_id id, const broker_registration& broker,
                                      const directory_id& directory, record_list& out) const;
  [[nodiscard]] std::int32_t min_insync_replicas(const topic& t, std::size_t replicas) const;
  [[nodiscard]] bool unclean_elections(const topic& t) const;
  [[nodiscard]] bool elr_enabled() const;

  // controller_features.cpp
  [[nodiscard]] result<void> check_feature_update(std::string_view name, std::int16_t level,
                                                  std::int8_t upgrade_type) const;
  /// KIP-966: with eligible leaders on, `min.insync.replicas` must be the same on every broker.
  void make_elr_safe(record_list& out) const;
  [[nodiscard]] result<void> check_supported(std::string_view name, std::int16_t level) const;

  controller_options options_;
  image latest_;
  bool active_ = false;
  leader_epoch epoch_{0};
  offset next_offset_{0};
  std::int64_t last_append_ms_ = 0;
  std::map<broker_id, session> sessions_;
};

}  // namespace moldau::metadata
