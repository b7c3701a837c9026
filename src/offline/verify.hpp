#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "moldau/core/result.hpp"
#include "rt/file.hpp"

namespace moldau::offline {

/// What brings a file in order again.
enum class remedy : std::uint8_t {
  copy,     ///< Records are damaged: only a copy of the file has them.
  start,    ///< The next start mends it: a torn last batch, a missing index.
  remove,   ///< A start makes the file anew, once it has been removed: an index isn't read through at a start.
  recover,  ///< A start makes the file anew that reads the whole log, which it does where nothing says how far it is
            ///< good.
  none,     ///< Nothing is damaged: it is what a client sent.
};

/// Something that isn't as it should be.
struct finding {
  std::string path;
  std::string sentence;
  offline::remedy remedy = remedy::copy;
};

struct verified {
  std::uint64_t partitions = 0;
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::vector<finding> findings;
};

/// Checks a partition's folder: checksums, records and ascending offsets of every batch; the entries of its indexes and
/// its producer snapshots against the log. Adds to `into`. Calls `on_segment` after each. Blocks.
/// Errors: the folder can't be read at all.
[[nodiscard]] result<void> verify_partition(rt::file_system& files, const std::string& directory, verified& into,
                                            const std::function<void(const verified&)>& on_segment);

/// The folders of `path` that hold partitions: itself, or those directly in it.
[[nodiscard]] result<std::vector<std::string>> partition_folders(rt::file_system& files, const std::string& path);

}  // namespace moldau::offline
