#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "moldau/core/result.hpp"
#include "rt/file.hpp"
#include "storage/epoch_cache.hpp"
#include "storage/log.hpp"
#include "storage/producer_state.hpp"
#include "storage/segment.hpp"

namespace moldau::storage {

/// A log as it was found on disk, ready to be opened on its core.
struct loaded_log {
  std::string directory;
  topic_partition partition;
  moldau::topic_id topic_id;
  log_options options;
  /// Ascending, at least one; the last is active and has its indexes.
  std::vector<std::shared_ptr<segment>> segments;
  offset log_start{0};
  offset log_end{0};
  offset recovery_point{0};
  epoch_cache epochs;
  producer_state producers;
  /// The newest snapshot file, if it isn't at a segment's base.
  std::optional<offset> checkpoint_snapshot;
  /// How many bytes were checked record batch by record batch.
  std::uint64_t recovered_bytes = 0;
  /// Bytes of a torn tail that were cut off.
  std::uint64_t truncated_bytes = 0;
};

/// Loads a partition's folder: finishes or undoes what compaction left half done, checks what the last process may not
/// have finished (from the recovery point on, unless it stopped cleanly), cuts off what is torn, and rebuilds indexes
/// and producer state as far as they are needed. Makes the folder and its first segment if they aren't there.
/// Blocks: on a worker.
/// Errors: `io_error`, `disk_full`; `inconsistent_topic_id` if the folder belongs to another topic;
/// `kafka_storage_error` if what was synced can't be read back.
[[nodiscard]] result<loaded_log> load_log(rt::file_system& files, const log_open_options& options,
                                          const storage_options& storage, std::int64_t now_ms, const base::logger& log);

/// A partition's topic id from its folder; nothing if it doesn't say. Blocks.
[[nodiscard]] result<std::optional<topic_id>> read_topic_id(rt::file_system& files, const std::string& directory);

}  // namespace moldau::storage
