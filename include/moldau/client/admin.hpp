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

/// The same for whoever only cares whether it was done.
template <typename Key, typename T>
[[nodiscard]] outcomes<Key> without_values(const outcomes<Key, T>& all) {
  outcomes<Key> out;
  for (const auto& [key, outcome] : all) out[key] = outcome ? result<void>() : std::unexpected(outcome.error());
  return out;
}

struct new_topic {
  std::string name = {};
  /// Default: the broker's `num.partitions`.
  std::int32_t partitions = -1;
  /// Default: the broker's `default.replication.factor`.
  std::int16_t replication_factor = -1;
  /// Replicas by partition; instead of the two numbers.
  std::vector<std::vector<broker_id>> assignments = {};
  std::map<std::string, std::string> configs = {};
};

/// What access control lists allow or deny, with Kafka's numbers.
enum class acl_operation : std::int8_t {
  unknown = 0,
  any = 1,
  all = 2,
  read = 3,
  write = 4,
  create = 5,
  remove = 6,
  alter = 7,
  describe = 8,
  cluster_action = 9,
  describe_configs = 10,
  alter_configs = 11,
  idempotent_write = 12,
  create_tokens = 13,
  describe_tokens = 14,
  two_phase_commit = 15,
};

/// A topic as it was made, or with `validate_only` would be.
struct created_topic {
  /// Zero where the broker is older than 2.8.
  topic_id id;
  /// -1 if this client may not read them.
  std::int32_t partitions = -1;
  std::int16_t replication_factor = -1;
  /// With the defaults that it inherits; without what is sensitive.
  std::map<std::string, std::string> configs;
};

/// How a topic grows.
struct new_partitions {
  /// How many there shall be in all.
  std::int32_t total = 0;
  /// Replicas of each new partition, in order. Default: the controller chooses.
  std::vector<std::vector<broker_id>> assignments = {};
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
  /// Out of sync, yet they may lead without losing what was acknowledged (KIP-966). Of brokers from 4.0.
  std::vector<broker_id> eligible_leader_replicas;
  /// The in-sync replicas before the last of them went. Of brokers from 4.0.
  std::vector<broker_id> last_known_eligible_leader_replicas;
};

struct described_topic {
  std::string name;
  topic_id id;
  bool is_internal = false;
  std::vector<described_partition> partitions;
  /// If they were asked for.
  std::vector<acl_operation> authorized_operations;
};

/// What a description shall tell besides.
struct describe_options {
  /// What this client may do with what is described. Default: not told.
  bool authorized_operations = false;
};

enum class resource_type : std::int8_t { topic = 2, broker = 4, broker_logger = 8, client_metrics = 16, group = 32 };

/// Something that has configuration. A broker's name is its id; "" are all brokers.
struct config_resource {
  resource_type type = resource_type::topic;
  std::string name = {};

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

/// What kind of value a property has, numbered as on the wire.
enum class config_type : std::int8_t {
  unknown = 0,
  boolean = 1,
  string = 2,
  int32 = 3,
  int16 = 4,
  int64 = 5,
  floating_point = 6,
  list = 7,
  class_name = 8,
  password = 9,
};

/// A layer that has a say in a value, nearest first.
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
  config_type type = config_type::unknown;
  std::vector<config_synonym> synonyms;
  /// If it was asked for.
  std::optional<std::string> documentation;
};

struct config_change {
  enum class operation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
  std::string name = {};
  operation what = operation::set;
  /// Not for `remove`.
  std::string value = {};
};

/// Which groups to list; what is empty leaves nothing out. Brokers that are too old to choose list more.
struct group_filter {
  /// "Stable", "Empty", "PreparingRebalance", ... Brokers from 2.6.
  std::vector<std::string> states = {};
  /// "classic", "consumer", "share", "streams". Brokers from 3.8.
  std::vector<std::string> types = {};
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
  /// If they were asked for.
  std::vector<acl_operation> authorized_operations;
};

/// A member that shall leave its group: by its instance id if it has one, otherwise by its member id.
struct leaving_member {
  std::string member_id = {};
  std::optional<std::string> instance_id = {};
  /// Shown in the coordinator's log.
  std::string reason = {};
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
  /// Fenced ones too, where the broker tells of them (from 4.0).
  std::vector<cluster_node> nodes;
  /// If they were asked for.
  std::vector<acl_operation> authorized_operations;
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
  std::string feature = {};
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
  /// Takes no new partitions. Of brokers from 4.3.
  bool is_cordoned = false;
  std::vector<log_dir_replica> replicas;
};

/// A time that ListOffsets knows by a number of its own, or milliseconds since 1970.
struct offset_spec {
  std::int64_t timestamp_ms = -1;

  friend auto operator<=>(const offset_spec&, const offset_spec&) = default;

  [[nodiscard]] static constexpr offset_spec latest() { return {-1}; }
  [[nodiscard]] static constexpr offset_spec earliest() { return {-2}; }
  /// Of the record with the latest timestamp. Brokers from 3.0.
  [[nodiscard]] static constexpr offset_spec max_timestamp() { return {-3}; }
  /// The first on the leader's own disk, with tiered storage (KIP-405). Brokers from 3.4.
  [[nodiscard]] static constexpr offset_spec earliest_local() { return {-4}; }
  /// The last in tiered storage (KIP-1005). Brokers from 3.8.
  [[nodiscard]] static constexpr offset_spec latest_tiered() { return {-5}; }
  /// The first that isn't in tiered storage yet (KIP-1023). Brokers from 4.2.
  [[nodiscard]] static constexpr offset_spec earliest_pending_upload() { return {-6}; }
  [[nodiscard]] static constexpr offset_spec at(std::int64_t ms) { return {ms}; }
};

struct listed_offset {
  moldau::offset offset = no_offset;
  std::int64_t timestamp_ms = -1;
  moldau::leader_epoch leader_epoch = no_leader_epoch;
};

/// Where an epoch of a partition's leaders ended (KIP-320).
struct epoch_end {
  /// The largest epoch up to the one that was asked for.
  moldau::leader_epoch leader_epoch = no_leader_epoch;
  /// The offset behind its last record.
  moldau::offset end_offset = no_offset;

  friend bool operator==(const epoch_end&, const epoch_end&) = default;
};

/// What a partition's leader keeps of a producer that is idempotent or has transactions.
struct producer_state {
  producer_id id = no_producer_id;
  std::int32_t epoch = -1;
  std::int32_t last_sequence = -1;
  std::int64_t last_timestamp_ms = -1;
  /// -1 without transactions.
  std::int32_t coordinator_epoch = -1;
  /// Where its open transaction begins, if there is one.
  std::optional<moldau::offset> transaction_start;
};

enum class election : std::int8_t {
  preferred = 0,  ///< The first of the replicas, if it is in sync.
  unclean = 1,    ///< Any replica that is alive, where none is in sync: acknowledged records may be lost.
};

/// Looks at and changes a cluster. Any number of threads may use one. Works with brokers from Kafka 2.8 on; a call that
/// a broker is too old for fails with `errc::unsupported_version` and a sentence.
///
/// A call that names several things answers for each; it fails as a whole only when the cluster can't be asked. What
/// fails in passing (a moved controller, a coordinator that is loading) is tried again within `api_timeout_ms`.
///
///     auto a = admin::make({.bootstrap_servers = {"localhost:9092"}}).value();
///     const auto made = a.create_topics({{.name = "orders", .partitions = 6}}).get().value();
///     if (!made.at("orders")) std::cerr << made.at("orders").error().message << '\n';
class admin {
 public:
  /// Nothing is connected yet. Errors: `errc::invalid_argument`, with every mistake.
  [[nodiscard]] static result<admin> make(client_options options);

  admin(admin&&) noexcept;
  admin& operator=(admin&&) noexcept;
  ~admin();

  async<std::vector<listed_topic>> list_topics();
  async<outcomes<std::string, described_topic>> describe_topics(std::vector<std::string> names,
                                                                describe_options with = {});
  /// Brokers from 3.1.
  async<outcomes<topic_id, described_topic>> describe_topics_by_id(std::vector<topic_id> ids,
                                                                   describe_options with = {});
  /// With `validate_only` nothing is made.
  async<outcomes<std::string, created_topic>> create_topics(std::vector<new_topic> topics, bool validate_only = false);
  async<outcomes<std::string>> delete_topics(std::vector<std::string> names);
  /// Brokers from 2.8.
  async<outcomes<topic_id>> delete_topics_by_id(std::vector<topic_id> ids);
  async<outcomes<std::string>> create_partitions(std::map<std::string, new_partitions> topics,
                                                 bool validate_only = false);
  /// Deletes what is before each offset (-1: everything); gives the new first offsets.
  async<outcomes<topic_partition, moldau::offset>> delete_records(std::map<topic_partition, moldau::offset> before);
  /// With `read_committed`, the latest is where the first open transaction begins.
  async<outcomes<topic_partition, listed_offset>> list_offsets(std::map<topic_partition, offset_spec> of,
                                                               isolation level = isolation::read_uncommitted);
  async<outcomes<topic_partition, epoch_end>> epoch_ends(std::map<topic_partition, leader_epoch> epochs);
  /// As each partition's leader knows them.
  async<outcomes<topic_partition, std::vector<producer_state>>> describe_producers(
      std::vector<topic_partition> partitions);
  /// Without a list: of all partitions; then those that needed none are left out.
  async<outcomes<topic_partition>> elect_leaders(election how,
                                                 std::optional<std::vector<topic_partition>> partitions = {});

  /// Every value with the layers that have a say in it.
  async<outcomes<config_resource, std::vector<config_entry>>> describe_configs(std::vector<config_resource> of,
                                                                               bool documentation = false);
  async<outcomes<config_resource>> alter_configs(std::map<config_resource, std::vector<config_change>> changes,
                                                 bool validate_only = false);

  /// Those of all brokers.
  async<std::vector<listed_group>> list_groups(group_filter only = {});
  async<outcomes<std::string, described_group>> describe_groups(std::vector<std::string> ids,
                                                                describe_options with = {});
  async<outcomes<std::string>> delete_groups(std::vector<std::string> ids);
  /// By instance id, where a member has one, or member id. No members: all that the group has.
  async<outcomes<std::string>> remove_members(std::string group, std::vector<leaving_member> members = {});
  /// What the group has committed: of these partitions, or of all. Partitions without a commit are left out.
  async<std::map<topic_partition, committed_offset>> group_offsets(
      std::string group, std::optional<std::vector<topic_partition>> partitions = {});
  /// Sets offsets of a group without members.
  async<outcomes<topic_partition>> alter_group_offsets(std::string group,
                                                       std::map<topic_partition, committed_offset> offsets);
  async<outcomes<topic_partition>> delete_group_offsets(std::string group, std::vector<topic_partition> partitions);

  async<described_cluster> describe_cluster(describe_options with = {});
  async<described_quorum> describe_quorum();
  async<described_features> describe_features();
  async<outcomes<std::string>> update_features(std::vector<feature_change> changes, bool validate_only = false);
  /// By broker; all brokers if none is named.
  async<outcomes<broker_id, std::vector<described_log_dir>>> describe_log_dirs(std::vector<broker_id> of = {});

  async<client::statistics> statistics();
  /// Ends what is under way with `errc::closed`; later calls fail with it. Any number of times.
  async<void> close();

  class impl;

 private:
  explicit admin(std::shared_ptr<impl> body);
  std::shared_ptr<impl> impl_;
};

}  // namespace moldau::client
