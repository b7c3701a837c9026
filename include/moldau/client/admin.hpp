#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moldau/client/consumer.hpp"
#include "moldau/client/options.hpp"
#include "moldau/core/async.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::client {

/// What became of each thing that a call named.
template <typename Key, typename T = void>
using outcomes = std::map<Key, result<T>>;

struct new_topic {
  std::string name;
  /// Default: the broker's `num.partitions`.
  std::int32_t partitions = -1;
  /// Default: the broker's `default.replication.factor`.
  std::int16_t replication_factor = -1;
  /// Replicas by partition; instead of the two numbers.
  std::vector<std::vector<broker_id>> assignments;
  std::map<std::string, std::string> configs;
};

struct listed_topic {
  std::string name;
  topic_id id;
  bool is_internal = false;
  std::size_t partitions = 0;
  std::size_t replication_factor = 0;
};

struct described_partition {
  partition_id id;
  broker_id leader = no_broker;
  moldau::leader_epoch leader_epoch = no_leader_epoch;
  std::vector<broker_id> replicas;
  std::vector<broker_id> in_sync_replicas;
  std::vector<broker_id> offline_replicas;
};

struct described_topic {
  std::string name;
  topic_id id;
  bool is_internal = false;
  std::vector<described_partition> partitions;
};

enum class resource_type : std::int8_t { topic = 2, broker = 4, broker_logger = 8, client_metrics = 16, group = 32 };

/// Something that has configuration. A broker's name is its id; "" are all brokers.
struct config_resource {
  resource_type type = resource_type::topic;
  std::string name;

  friend auto operator<=>(const config_resource&, const config_resource&) = default;
};

/// Which layer gave a value, numbered as on the wire.
enum class config_source : std::int8_t {
  unknown = 0,
  topic = 1,
  broker = 2,
  cluster = 3,
  file = 4,
  default_value = 5,
  broker_logger = 6,
  client_metrics = 7,
  group = 8,
};

struct config_synonym {
  std::string name;
  std::optional<std::string> value;
  config_source source = config_source::unknown;
};

struct config_entry {
  std::string name;
  /// Nothing for null and for what is sensitive.
  std::optional<std::string> value;
  config_source source = config_source::unknown;
  bool is_read_only = false;
  bool is_sensitive = false;
  std::vector<config_synonym> synonyms;
  std::optional<std::string> documentation;
};

struct config_change {
  enum class operation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
  std::string name;
  operation what = operation::set;
  /// Not for `remove`.
  std::string value;
};

struct listed_group {
  std::string id;
  /// "consumer", or what else its members call themselves.
  std::string protocol_type;
  /// "Stable", "Empty", ...; empty where the broker is too old to say.
  std::string state;
  /// "classic", "consumer", ...
  std::string type;
};

struct group_member_info {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string host;
  /// Of consumers.
  std::vector<topic_partition> assignment;
};

struct described_group {
  std::string id;
  std::string state;
  std::string protocol_type;
  /// The assignor's name.
  std::string protocol;
  std::vector<group_member_info> members;
  broker_id coordinator = no_broker;
};

struct cluster_node {
  broker_id id;
  std::string host;
  std::uint16_t port = 0;
  std::optional<std::string> rack;
  bool is_fenced = false;
};

struct described_cluster {
  std::string id;
  broker_id controller = no_broker;
  std::vector<cluster_node> nodes;
};

struct quorum_replica {
  broker_id id;
  directory_id directory;
  moldau::offset log_end_offset;
  /// Milliseconds since 1970, or -1.
  std::int64_t last_fetch_ms = -1;
  std::int64_t last_caught_up_ms = -1;
};

struct described_quorum {
  broker_id leader;
  moldau::leader_epoch leader_epoch;
  moldau::offset high_watermark;
  std::vector<quorum_replica> voters;
  std::vector<quorum_replica> observers;
};

struct feature_level {
  std::int16_t supported_least = 0;
  std::int16_t supported_most = 0;
  /// Nothing if it isn't finalized.
  std::optional<std::int16_t> finalized;
};

struct described_features {
  std::map<std::string, feature_level> features;
  std::int64_t epoch = -1;
};

struct feature_change {
  std::string feature;
  std::int16_t level = 0;
  enum class kind : std::int8_t { upgrade = 1, safe_downgrade = 2, unsafe_downgrade = 3 };
  kind what = kind::upgrade;
};

struct log_dir_replica {
  topic_partition partition;
  std::int64_t size_bytes = 0;
  std::int64_t offset_lag = 0;
  bool is_future = false;
};

struct described_log_dir {
  std::string path;
  /// `errc::none`, or why it is offline.
  errc state = errc::none;
  std::int64_t total_bytes = -1;
  std::int64_t usable_bytes = -1;
  std::vector<log_dir_replica> replicas;
};

/// A time that ListOffsets knows by a number of its own, or milliseconds since 1970.
struct offset_spec {
  std::int64_t timestamp_ms = -1;

  [[nodiscard]] static constexpr offset_spec latest() { return {-1}; }
  [[nodiscard]] static constexpr offset_spec earliest() { return {-2}; }
  [[nodiscard]] static constexpr offset_spec max_timestamp() { return {-3}; }
  [[nodiscard]] static constexpr offset_spec at(std::int64_t ms) { return {ms}; }
};

struct listed_offset {
  moldau::offset offset = no_offset;
  std::int64_t timestamp_ms = -1;
  moldau::leader_epoch leader_epoch = no_leader_epoch;
};

/// Looks at and changes a cluster. Any number of threads may use one.
///
/// A call that names several things answers for each; it fails as a whole only when the cluster can't be asked. What
/// fails in passing (a moved controller, a coordinator that is loading) is tried again within `api_timeout_ms`.
class admin {
 public:
  [[nodiscard]] static result<admin> make(client_options options);

  admin(admin&&) noexcept;
  admin& operator=(admin&&) noexcept;
  ~admin();

  async<std::vector<listed_topic>> list_topics();
  async<outcomes<std::string, described_topic>> describe_topics(std::vector<std::string> names);
  /// With `validate_only` nothing is made.
  async<outcomes<std::string>> create_topics(std::vector<new_topic> topics, bool validate_only = false);
  async<outcomes<std::string>> delete_topics(std::vector<std::string> names);
  /// Grows topics to that many partitions.
  async<outcomes<std::string>> create_partitions(std::map<std::string, std::int32_t> totals,
                                                 bool validate_only = false);
  /// Deletes what is before each offset (-1: everything); gives the new first offsets.
  async<outcomes<topic_partition, moldau::offset>> delete_records(std::map<topic_partition, moldau::offset> before);
  async<outcomes<topic_partition, listed_offset>> list_offsets(std::map<topic_partition, offset_spec> of);

  async<outcomes<config_resource, std::vector<config_entry>>> describe_configs(std::vector<config_resource> of,
                                                                               bool documentation = false);
  async<outcomes<config_resource>> alter_configs(std::map<config_resource, std::vector<config_change>> changes,
                                                 bool validate_only = false);

  async<std::vector<listed_group>> list_groups();
  async<outcomes<std::string, described_group>> describe_groups(std::vector<std::string> ids);
  async<outcomes<std::string>> delete_groups(std::vector<std::string> ids);
  /// All that the group has committed.
  async<std::map<topic_partition, committed_offset>> group_offsets(std::string group);
  /// Sets offsets of a group without members.
  async<outcomes<topic_partition>> alter_group_offsets(std::string group,
                                                       std::map<topic_partition, committed_offset> offsets);
  async<outcomes<topic_partition>> delete_group_offsets(std::string group, std::vector<topic_partition> partitions);

  async<described_cluster> describe_cluster();
  async<described_quorum> describe_quorum();
  async<described_features> describe_features();
  async<outcomes<std::string>> update_features(std::vector<feature_change> changes, bool validate_only = false);
  /// By broker; all brokers if none is named.
  async<outcomes<broker_id, std::vector<described_log_dir>>> describe_log_dirs(std::vector<broker_id> of = {});

  async<void> close();

  class impl;

 private:
  explicit admin(std::shared_ptr<impl> body);
  std::shared_ptr<impl> impl_;
};

}  // namespace moldau::client
