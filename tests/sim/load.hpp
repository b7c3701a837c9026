#pragma once

#include <cstddef>
#include <memory>

#include "tests/sim/cluster.hpp"

namespace moldau::scenarios {

/// What a scenario's clients do, and what is asked of the broker when they have ended.
class load {
 public:
  load() = default;
  load(const load&) = delete;
  load& operator=(const load&) = delete;
  virtual ~load() = default;

  /// Makes the topics and spawns the clients.
  virtual void begin() = 0;
  /// After each strike of the nemesis.
  virtual void struck() {}
  /// After the clients' end: reads what is there once more. Nothing fails meanwhile.
  virtual void end() = 0;
  /// How many records, or commits, were acknowledged.
  [[nodiscard]] virtual std::size_t acknowledged() const = 0;
};

/// Records with and without idempotence, retention, and topics that come and go.
[[nodiscard]] std::unique_ptr<load> record_load(cluster& of);
/// DeleteRecords while others write and read.
[[nodiscard]] std::unique_ptr<load> trim_load(cluster& of);
/// Compacted topics: keys over and over, and tombstones.
[[nodiscard]] std::unique_ptr<load> compaction_load(cluster& of);
/// Groups whose members come, commit and go, and offsets that expire.
[[nodiscard]] std::unique_ptr<load> group_load(cluster& of);
/// The client library: idempotent producers, and a group whose members come and go, each on a machine of its own.
[[nodiscard]] std::unique_ptr<load> client_load(cluster& of);

}  // namespace moldau::scenarios
