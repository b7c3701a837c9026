#pragma once

#include <optional>
#include <string>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::storage {

/// An epoch and the first offset written in it.
struct epoch_entry {
  leader_epoch epoch;
  offset start_offset;

  friend bool operator==(const epoch_entry&, const epoch_entry&) = default;
};

/// The answer to OffsetForLeaderEpoch: the largest epoch not above the asked one, and where it ends. Both -1: unknown.
struct epoch_end {
  leader_epoch epoch = no_leader_epoch;
  offset end_offset = no_offset;

  friend bool operator==(const epoch_end&, const epoch_end&) = default;
};

/// Where each leader's epoch starts in one log: epochs and offsets ascend (KIP-101, KIP-320). Not thread safe.
class epoch_cache {
 public:
  /// The content of `leader-epoch-checkpoint`. Errors: `errc::malformed`.
  [[nodiscard]] static result<epoch_cache> parse(std::string_view content);
  [[nodiscard]] std::string encode() const;

  /// `epoch` begins at `start`; entries that this contradicts go. True if something changed.
  bool assign(leader_epoch epoch, offset start);
  [[nodiscard]] std::optional<leader_epoch> latest() const;
  /// The epoch that `at` was written in.
  [[nodiscard]] leader_epoch epoch_for(offset at) const;
  [[nodiscard]] epoch_end end_offset_for(leader_epoch requested, offset log_end) const;
  [[nodiscard]] std::optional<offset> start_of(leader_epoch epoch) const;
  /// Drops what starts at `end` or above. True if something changed.
  bool truncate_from_end(offset end);
  /// Drops what ends at or below `start`; the epoch that `start` lies in begins there now.
  bool truncate_from_start(offset start);
  bool clear();

  [[nodiscard]] const std::vector<epoch_entry>& entries() const { return entries_; }

 private:
  std::vector<epoch_entry> entries_;
};

}  // namespace moldau::storage
