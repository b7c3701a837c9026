#pragma once

#include <optional>

#include "moldau/core/ids.hpp"
#include "raft/quorum.hpp"
#include "raft/snapshot.hpp"

namespace moldau::raft {

/// Where a replica or an observer of the metadata log wants to read on.
struct fetch_position {
  moldau::offset offset{0};
  /// The epoch of the last record that it has.
  leader_epoch last_fetched_epoch = no_leader_epoch;
};

/// What the leader has, as far as such a fetch asks.
struct fetched_log {
  offset start{0};
  /// The largest epoch not above the reader's last one, and where it ends; none if nothing is known of such an epoch.
  std::optional<log_end> last_fetched;
  log_end end;
  std::optional<snapshot_id> oldest_snapshot;
  std::optional<snapshot_id> newest_snapshot;
};

/// How the reader goes on: from where it asked, unless one of these is set.
struct fetch_direction {
  /// Its log parted from the leader's: it truncates to the end of this epoch, and asks again (KIP-595).
  std::optional<log_end> diverging;
  /// What it lacks is in this snapshot (KIP-630).
  std::optional<snapshot_id> snapshot;

  [[nodiscard]] bool reads() const { return !diverging && !snapshot; }
};

/// Compares a reader's position with the leader's log.
[[nodiscard]] fetch_direction direct(const fetch_position& from, const fetched_log& log);

}  // namespace moldau::raft
