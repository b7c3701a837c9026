#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "metadata/image.hpp"
#include "moldau/core/bytes.hpp"
#include "raft/control_state.hpp"
#include "raft/snapshot.hpp"

namespace moldau::metadata {

/// The image as records in Kafka's order (features, cluster, topics, configs, quotas, producer ids, ACLs, SCRAM,
/// delegation tokens). What the image's metadata.version can't express is left out, as in Kafka.
[[nodiscard]] std::vector<shared_bytes> image_records(const image& from);

/// The snapshot of `from`: its id is one past the image's last offset, with the epoch of that.
struct made_snapshot {
  raft::snapshot_id id;
  /// To be written one after another to `<name>.part`, synced, renamed.
  std::vector<shared_bytes> file;
};
[[nodiscard]] made_snapshot make_snapshot(const image& from, const raft::control_state& control, std::int64_t now_ms);

/// When to take one: `metadata.log.max.record.bytes.between.snapshots` and `metadata.log.max.snapshot.interval.ms`
/// (0: never by time).
struct snapshot_policy {
  std::int64_t max_bytes = 20LL * 1024 * 1024;
  std::int64_t max_interval_ms = 3'600'000;

  /// `since_ms`: since the last snapshot, or since the start.
  [[nodiscard]] bool due(std::size_t bytes, std::int64_t since_ms) const {
    if (bytes == 0) return false;
    return static_cast<std::int64_t>(bytes) >= max_bytes || (max_interval_ms > 0 && since_ms >= max_interval_ms);
  }
};

}  // namespace moldau::metadata
