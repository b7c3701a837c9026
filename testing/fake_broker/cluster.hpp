#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/testing/fake_broker.hpp"
#include "rt/event.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"
#include "testing/fake_broker/fault_book.hpp"
#include "testing/fake_broker/fetch_sessions.hpp"
#include "testing/fake_broker/group.hpp"
#include "testing/fake_broker/partition_log.hpp"

namespace moldau::testing::fake {

struct partition {
  partition_log log;
  broker_id leader = no_broker;
  std::vector<broker_id> replicas;
};

struct topic {
  std::string name;
  topic_id id;
  std::vector<partition> partitions;
  std::map<std::string, std::string> configs;
};

struct broker {
  broker_id id;
  std::string rack;
  std::uint16_t port = 0;
  bool running = false;
  bool disk_full = false;
  std::shared_ptr<rt::listener> listener;
  fetch_sessions sessions;
};

/// KIP-584: what all brokers can, and what of it is in use; 0 for nothing.
struct feature {
  std::int16_t least = 0;
  std::int16_t most = 0;
  std::int16_t level = 0;
};

/// All that the brokers know. The mutex is held by whoever touches it: a handler while it answers, a test while it
/// asks. What belongs to connections and listeners is touched on the world's thread only.
struct cluster {
  cluster(fake_broker_options from, rt::world& on);

  const fake_broker_options options;
  rt::world& world;

  std::mutex mutex;
  std::string cluster_id;
  std::map<broker_id, broker> brokers;
  std::map<std::string, topic, std::less<>> topics;
  std::map<std::string, group, std::less<>> groups;
  std::map<std::string, broker_id, std::less<>> coordinators;
  std::map<std::string, feature, std::less<>> features;
  std::int64_t features_epoch = 0;
  fault_book faults;
  std::vector<seen_request> seen;
  std::int64_t next_producer_id = 1000;
  std::uint64_t next_id = 1;
  bool stopped = false;

  /// By their numbers; on the world's thread only.
  std::map<std::uint64_t, std::pair<broker_id, rt::connection*>> connections;
  std::uint64_t next_connection = 1;
  std::size_t connection_count = 0;

  // With the mutex held:
  result<void> create_topic(const fake_topic& what);
  result<void> delete_topic(std::string_view name);
  result<void> add_partitions(std::string_view name, std::int32_t total);
  [[nodiscard]] topic* find(std::string_view name);
  [[nodiscard]] topic* find(const topic_id& id);
  [[nodiscard]] partition* find(const topic_partition& of);
  [[nodiscard]] broker_id coordinator_of(std::string_view group_id) const;
  [[nodiscard]] broker_id controller() const;
  /// Partitions of brokers that don't run get another leader, if any runs.
  void elect_leaders();
  [[nodiscard]] std::size_t batch_bytes_max(const topic& of) const;
  /// An id that was never used.
  [[nodiscard]] std::uint64_t fresh_id() { return next_id++; }
  [[nodiscard]] uuid fresh_uuid();

  /// Something happened that a waiting request may wait for.
  void changed();
  rt::event change;

 private:
  bool telling_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  void place(topic& in, std::int32_t partitions);
};

}  // namespace moldau::testing::fake
