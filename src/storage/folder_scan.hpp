#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "rt/file.hpp"
#include "storage/segment.hpp"

namespace moldau::storage {

/// What lies in a partition's folder.
struct folder_scan {
  struct found_segment {
    std::uint64_t log_size = 0;
    std::int64_t modified_ms = 0;
    bool has_offset_index = false;
    bool has_time_index = false;
    bool has_txn_index = false;
  };
  std::map<offset, found_segment> segments;
  /// Producer snapshots, ascending.
  std::vector<offset> snapshots;
  /// Paths of indexes that lay there without a log; they have been removed.
  std::vector<std::string> orphans;
};

/// Makes the folder if need be and puts it in order before it is loaded: what was about to be deleted goes, a
/// compaction that hadn't finished is undone, one that had is carried through, indexes without a log go. Blocks.
[[nodiscard]] result<folder_scan> prepare_folder(rt::file_system& files, const std::string& directory);

/// Makes the directory and those above it, each one's name durable. Blocks.
[[nodiscard]] result<void> make_directory_durably(rt::file_system& files, const std::string& path);

/// Makes a new segment's files and their names durable. Blocks.
[[nodiscard]] result<void> create_segment_files(rt::file_system& files, segment& of);

/// The names of all files that a segment may have, its snapshot included.
[[nodiscard]] std::vector<std::string> segment_paths(const std::string& directory, offset base);

/// Removes those that are there. Blocks.
[[nodiscard]] result<void> remove_files(rt::file_system& files, const std::vector<std::string>& paths);

}  // namespace moldau::storage
