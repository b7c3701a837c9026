#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/cow.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::metadata {

/// A listener of a broker or controller, as its registration holds it.
struct listener {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
  /// `SecurityProtocol.id`: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
  std::int16_t security_protocol = 0;

  friend bool operator==(const listener&, const listener&) = default;
};

struct version_range {
  std::int16_t min = 0;
  std::int16_t max = 0;

  friend bool operator==(const version_range&, const version_range&) = default;
};
using feature_ranges = std::map<std::string, version_range, std::less<>>;

struct broker_registration {
  broker_id id = no_broker;
  /// The offset at which the records of its registration began.
  std::int64_t epoch = -1;
  uuid incarnation;
  std::vector<listener> listeners;
  feature_ranges features;
  std::optional<std::string> rack;
  bool fenced = true;
  bool in_controlled_shutdown = false;
  bool is_migrating_zk_broker = false;
  std::vector<directory_id> directories;
  /// Directories that take no new partitions (KIP-1066); nothing until the broker has told.
  std::optional<std::vector<directory_id>> cordoned_directories;

  [[nodiscard]] bool active() const { return !fenced && !in_controlled_shutdown; }
  /// Null if the broker has no such listener.
  [[nodiscard]] const listener* find_listener(std::string_view name) const;
  friend bool operator==(const broker_registration&, const broker_registration&) = default;
};

struct controller_registration {
  broker_id id = no_broker;
  uuid incarnation;
  bool zk_migration_ready = false;
  std::vector<listener> listeners;
  feature_ranges features;

  friend bool operator==(const controller_registration&, const controller_registration&) = default;
};

namespace detail {
consteval directory_id reserved_directory(std::uint8_t n) {
  std::array<std::byte, 16> bytes{};
  bytes[15] = std::byte{n};
  return directory_id(bytes);
}
}  // namespace detail

// What a partition's directory says while nobody knows it (`DirectoryId` of KIP-858).
/// The broker is from before directories had ids.
inline constexpr directory_id migrating_directory = detail::reserved_directory(0);
/// The broker has several and hasn't told.
inline constexpr directory_id unassigned_directory = detail::reserved_directory(1);
/// One that has failed, whichever it was.
inline constexpr directory_id lost_directory = detail::reserved_directory(2);

struct partition {
  partition_id id{0};
  std::vector<broker_id> replicas;
  /// One a replica, in the same order.
  std::vector<directory_id> directories;
  std::vector<broker_id> isr;
  std::vector<broker_id> removing_replicas;
  std::vector<broker_id> adding_replicas;
  /// KIP-966: who may lead besides the ISR, and who could when all are gone.
  std::vector<broker_id> eligible_leader_replicas;
  std::vector<broker_id> last_known_eligible_leader_replicas;
  broker_id leader = no_broker;
  /// Whether the leader was elected from outside the ISR and hasn't recovered yet.
  bool recovering = false;
  moldau::leader_epoch leader_epoch{0};
  std::int32_t partition_epoch = 0;

  /// The directory of `broker`'s replica; `migrating_directory` if it has none.
  [[nodiscard]] directory_id directory_of(broker_id broker) const;
  friend bool operator==(const partition&, const partition&) = default;
};

struct topic {
  std::string name;
  topic_id id;
  /// In rising order of their ids, which in practice are 0, 1, 2...
  std::vector<std::shared_ptr<const partition>> partitions;

  /// Null if there is none.
  [[nodiscard]] const partition* find(partition_id id) const;
  friend bool operator==(const topic& a, const topic& b);
};

/// `ConfigResource.Type`.
enum class config_resource_type : std::int8_t {
  unknown = 0,
  topic = 2,
  broker = 4,
  broker_logger = 8,
  client_metrics = 16,
  group = 32,
};

struct config_resource {
  config_resource_type type = config_resource_type::unknown;
  /// Empty for the default of all brokers.
  std::string name;

  friend auto operator<=>(const config_resource&, const config_resource&) = default;
};

/// Names and values; the same type as `config::settings`.
using config_map = std::map<std::string, std::string, std::less<>>;

/// Whom a quota is for: "user", "client-id", "ip" to a name, or to nothing for the default.
using quota_entity = std::map<std::string, std::optional<std::string>>;
using quota_values = std::map<std::string, double>;

struct scram_credential {
  std::string salt;
  std::string stored_key;
  std::string server_key;
  std::int32_t iterations = 0;

  friend bool operator==(const scram_credential&, const scram_credential&) = default;
};

/// Numbers as the records hold them.
struct acl {
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::int8_t pattern_type = 0;
  std::string principal;
  std::string host;
  std::int8_t operation = 0;
  std::int8_t permission = 0;

  friend auto operator<=>(const acl&, const acl&) = default;
};

struct delegation_token {
  std::string id;
  std::string owner;
  std::string requester;
  std::vector<std::string> renewers;
  std::int64_t issued_ms = 0;
  std::int64_t max_ms = 0;
  std::int64_t expires_ms = 0;

  friend bool operator==(const delegation_token&, const delegation_token&) = default;
};

}  // namespace moldau::metadata

template <>
struct std::hash<moldau::metadata::config_resource> {
  std::size_t operator()(const moldau::metadata::config_resource& r) const noexcept {
    return std::hash<std::string>{}(r.name) * 31 + static_cast<std::size_t>(r.type);
  }
};

namespace moldau::metadata {

/// Which part of the metadata log an image is of.
struct provenance {
  /// The last record in it; -1 before the first.
  offset last_offset = no_offset;
  leader_epoch last_epoch{0};
  /// The last batch's timestamp, milliseconds since 1970.
  std::int64_t last_timestamp_ms = 0;

  friend bool operator==(const provenance&, const provenance&) = default;
};

/// Everything the cluster's metadata log says at one offset: every record type of 4.3, used by moldau or not.
///
/// Published as `std::shared_ptr<const image>`: immutable, shared by all cores, read without locks. Copies share all
/// that wasn't changed, so the next image costs about what changed. Only `apply_record` and its callers edit one.
class image {
 public:
  metadata::provenance provenance;
  /// Finalized features with their levels, `metadata.version` among them once the first transaction is in.
  cow<std::map<std::string, std::int16_t, std::less<>>> features;
  cow<std::map<broker_id, std::shared_ptr<const broker_registration>>> brokers;
  cow<std::map<broker_id, std::shared_ptr<const controller_registration>>> controllers;
  cow_map<topic_id, std::shared_ptr<const metadata::topic>> topics;
  cow_map<std::string, topic_id> topic_ids;
  cow_map<config_resource, std::shared_ptr<const config_map>> configs;
  cow<std::map<quota_entity, quota_values>> client_quotas;
  /// By mechanism (1 SCRAM-SHA-256, 2 SCRAM-SHA-512) and user.
  cow<std::map<std::int8_t, std::map<std::string, scram_credential, std::less<>>>> scram;
  cow<std::map<uuid, acl>> acls;
  cow<std::map<std::string, delegation_token, std::less<>>> delegation_tokens;
  /// The first id of the next block; nothing while none was given out.
  std::optional<producer_id> next_producer_id;

  /// 0 before the first transaction.
  [[nodiscard]] std::int16_t metadata_version() const { return feature_level("metadata.version"); }
  /// 0 for a feature that isn't finalized.
  [[nodiscard]] std::int16_t feature_level(std::string_view name) const;
  [[nodiscard]] const metadata::topic* find_topic(std::string_view name) const;
  [[nodiscard]] const metadata::topic* find_topic(const topic_id& id) const;
  [[nodiscard]] const broker_registration* find_broker(broker_id id) const;
  [[nodiscard]] const metadata::partition* find_partition(std::string_view topic, partition_id id) const;
  /// What is set for a resource; empty if nothing is.
  [[nodiscard]] const config_map& config_of(config_resource_type type, std::string_view name) const;

  /// The topic for changing its partitions; null if there is none. It is copied once until `seal`, however many of its
  /// partitions are then set one after another.
  [[nodiscard]] metadata::topic* edit_topic(const topic_id& id);
  void add_topic(std::shared_ptr<metadata::topic> added);
  /// Whether it was there. Its configs go with it.
  bool remove_topic(const topic_id& id);
  /// Ends editing: from here on this image may be copied and shared.
  void seal();
  /// Whether both say the same, provenance aside. Compares everything: for tests.
  [[nodiscard]] bool same_contents(const image& other) const;

 private:
  /// The topic that was edited last, not shared with anybody yet.
  std::shared_ptr<metadata::topic> editing_;
};

}  // namespace moldau::metadata
