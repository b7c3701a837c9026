#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "offline/verify.hpp"
#include "rt/file.hpp"
#include "wire/record_batch.hpp"

namespace moldau::storage {
class producer_state;
}

namespace moldau::offline {

/// Compares what is kept of a partition's producers, its producer snapshots and transaction indexes, with its log.
///
/// Fed with the log's batches in their order. The log may lack what retention and compaction have taken, and a snapshot
/// whom it has expired; only what contradicts the log is found. Blocks.
class producer_check {
 public:
  producer_check(rt::file_system& files, std::string directory, std::vector<offset> snapshots, verified& into)
      : files_(files), directory_(std::move(directory)), snapshots_(std::move(snapshots)), into_(into) {}

  /// The next batch, of magic 2 and with the right checksum.
  void take(const wire::batch_view& batch);
  /// A batch can't be read: nothing is known from here on.
  void lose() { lost_ = true; }
  /// All of the segment [base, end) was taken.
  void end_segment(offset base, offset end);
  /// The log ends there.
  void end_log(offset end);

 private:
  /// What the log says of a producer so far.
  struct known_producer {
    offset last_offset = no_offset;
    offset last_marker = no_offset;
    /// The first record that is left of its open transaction.
    offset open_since = no_offset;
  };
  struct abort_marker {
    moldau::producer_id producer;
    /// The first record that is left of the transaction; -1 if none is.
    offset first = no_offset;
  };

  void check_snapshots_below(offset next);
  void check_snapshot(offset at);
  [[nodiscard]] std::string contradiction(const storage::producer_state& state, offset at) const;
  [[nodiscard]] std::string contradiction_in_index(bytes_view content, offset base, offset end) const;

  rt::file_system& files_;
  std::string directory_;
  /// Ascending; those from `next_snapshot_` on are still to be compared.
  std::vector<offset> snapshots_;
  std::size_t next_snapshot_ = 0;
  verified& into_;
  std::unordered_map<producer_id, known_producer> producers_;
  /// Those of the segment that is being read.
  std::map<offset, abort_marker> aborts_;
  bool lost_ = false;
};

}  // namespace moldau::offline
