#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "moldau/core/result.hpp"
#include "rt/file.hpp"

namespace moldau::offline {

/// Something that isn't as it should be.
struct finding {
  std::string path;
  std::string sentence;
  /// Recovery mends it at the next start (a torn last batch, an index); otherwise records are damaged.
  bool mended_at_start = false;
};

struct verified {
  std::uint64_t partitions = 0;
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::vector<finding> findings;
};

/// Checks a partition's folder: checksums, records and ascending offsets of every batch; the entries of its indexes
/// against the log. Adds to `into`. Calls `on_segment` after each. Blocks.
/// Errors: the folder can't be read at all.
[[nodiscard]] result<void> verify_partition(rt::file_system& files, const std::string& directory, verified& into,
                                            const std::function<void(const verified&)>& on_segment);

/// The folders of `path` that hold partitions: itself, or those directly in it.
[[nodiscard]] result<std::vector<std::string>> partition_folders(rt::file_system& files, const std::string& path);

}  // namespace moldau::offline
