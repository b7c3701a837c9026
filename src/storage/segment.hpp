#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "rt/file.hpp"
#include "storage/file_names.hpp"
#include "storage/offset_index.hpp"
#include "storage/time_index.hpp"
#include "storage/txn_index.hpp"

namespace moldau::storage {

/// A file that is opened when it is first needed, by whichever thread needs it.
class file_slot {
 public:
  [[nodiscard]] std::shared_ptr<rt::file> get() const {
    const std::lock_guard held(mutex_);
    return file_;
  }
  /// Opens it unless it is open. Blocks: on a worker.
  [[nodiscard]] result<std::shared_ptr<rt::file>> open(rt::file_system& files, const std::string& path,
                                                       rt::open_mode mode);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<rt::file> file_;
};

/// What the active segment alone keeps in memory.
struct active_indexes {
  explicit active_indexes(offset base) : offsets(base), times(base) {}
  offset_index offsets;
  time_index times;
  /// How many entries of each are in their file already.
  std::size_t offsets_persisted = 0;
  std::size_t times_persisted = 0;
};

/// One segment: its files and what is known of them. The fields belong to the log's core; workers use the files, and
/// between `begin_write` and `end_write` the write job uses `created` and `reserved`.
class segment {
 public:
  segment(std::string directory, offset base_offset) : base(base_offset), directory_(std::move(directory)) {}

  const offset base;

  /// Bytes of `.log`, what is queued included.
  std::uint64_t size = 0;
  /// Of these, how many are in the file, and on the disk.
  std::uint64_t written = 0;
  std::uint64_t synced = 0;
  /// What the sync under way will have made durable.
  std::uint64_t sync_target = 0;

  /// The largest timestamp and its batch's last offset; unknown in a segment that was only listed so far.
  std::optional<time_position> largest_time;
  /// The first batch's largest timestamp, from which `segment.ms` counts.
  std::optional<std::int64_t> first_timestamp_ms;
  std::int64_t modified_ms = 0;
  std::uint64_t bytes_since_index_entry = 0;

  /// Null once the segment has been rolled and its indexes are on disk.
  std::unique_ptr<active_indexes> indexes;
  std::vector<aborted_entry> aborted;
  std::size_t aborted_persisted = 0;
  /// The producer snapshot that is to be written when the segment's indexes are (at the roll).
  std::vector<std::byte> pending_snapshot;
  offset pending_snapshot_at = no_offset;

  /// How much to reserve when the file is made.
  std::uint64_t preallocate = 0;
  bool created = false;
  std::uint64_t reserved = 0;

  file_slot log_file;
  file_slot offset_file;
  file_slot time_file;

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string path(std::string_view suffix) const;

  /// Takes in a batch that lies at `position`, the last one so far: indexes and times.
  void on_batch(std::uint64_t position, std::uint64_t batch_size, offset last, std::int64_t max_timestamp_ms,
                std::uint32_t index_interval_bytes);

 private:
  std::string directory_;
};

/// Writes what of the indexes isn't in the files yet, cuts them to that, and syncs them. Blocks.
struct index_write {
  std::vector<std::byte> offsets;
  std::uint64_t offsets_at = 0;
  std::vector<std::byte> times;
  std::uint64_t times_at = 0;
  std::vector<std::byte> aborted;
  std::uint64_t aborted_at = 0;
};
/// Takes that from the segment, on its core (or while nobody else has it), and counts it as written.
[[nodiscard]] index_write take_index_write(segment& of);
[[nodiscard]] result<void> write_indexes(rt::file_system& files, segment& of, const index_write& what);

}  // namespace moldau::storage
