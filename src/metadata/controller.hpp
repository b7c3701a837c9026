#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/broker_config.hpp"
#include "metadata/image.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::wire {
class arena;
}
namespace moldau::wire::protocol {
struct allocate_producer_ids_request;
struct allocate_producer_ids_response;
struct alter_configs_request;
struct alter_configs_response;
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
  /// `broker.session.timeout.ms`
  std::int64_t session_timeout_ms = 9'000;
  /// `metadata.max.idle.interval.ms`; 0: no NoOpRecords.
  std::int64_t max_idle_interval_ms = 500;
};

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
/// Handlers never fail: what is wrong stands in the response, in Kafka's words.
class controller {
 public:
  explicit controller(controller_options options);
  ~controller();

  /// This node leads `epoch`, and `committed` holds everything in the log, which ends at `end`. On an empty log (no
  /// metadata.version yet) the first transaction is written from `bootstrap` (see `read_bootstrap`).
  [[nodiscard]] spontaneous activate(std::shared_ptr<const image> committed, leader_epoch epoch, offset end,
                                     const std::vector<shared_bytes>& bootstrap, std::int64_t now_ms);
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
  [[nodiscard]] outcome<wire::protocol::update_features_response> update_features(
      const wire::protocol::update_features_request& request, std::int64_t now_ms, wire::arena& arena);
  [[nodiscard]] outcome<wire::protocol::broker_registration_response> register_broker(
      const wire::protocol::broker_registration_request& request, std::int64_t now_ms);
  [[nodiscard]] outcome<wire::protocol::broker_heartbeat_response> heartbeat(
      const wire::protocol::broker_heartbeat_request& request, std::int64_t now_ms);
  [[nodiscard]] outcome<wire::protocol::controller_registration_response> register_controller(
      const wire::protocol::controller_registration_request& request, std::int64_t now_ms, wire::arena& arena);
  [[nodiscard]] outcome<wire::protocol::allocate_producer_ids_response> allocate_producer_ids(
      const wire::protocol::allocate_producer_ids_request& request, std::int64_t now_ms);
  [[nodiscard]] outcome<wire::protocol::unregister_broker_response> unregister_broker(
      const wire::protocol::unregister_broker_request& request, std::int64_t now_ms, wire::arena& arena);

 private:
  class transaction;
  friend class transaction;

  struct session {
    std::int64_t last_contact_ms = 0;
    /// The broker asked to shut down; it may once the log up to here is committed and it leads nothing.
    bool wants_shutdown = false;
    /// The last metadata offset that it says it has.
    std::int64_t metadata_offset = -1;
  };

  controller_options options_;
  image latest_;
  bool active_ = false;
  leader_epoch epoch_{0};
  offset next_offset_{0};
  std::int64_t last_append_ms_ = 0;
  std::map<broker_id, session> sessions_;
};

}  // namespace moldau::metadata
