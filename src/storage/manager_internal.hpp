#pragma once

#include <memory>
#include <optional>
#include <string>

#include "storage/checkpoint_file.hpp"
#include "storage/log_manager.hpp"
#include "storage/meta_properties.hpp"

namespace moldau::storage {

/// One of `log.dirs`.
struct log_manager::directory_state {
  std::string path;
  std::size_t index = 0;
  std::unique_ptr<rt::file_lock> lock;
  meta_properties meta;
  bool clean = false;
  std::int64_t broker_epoch = -1;
  bool failed = false;
  bool distrusted = false;
  offset_checkpoint recovery_points;
  offset_checkpoint log_starts;
  offset_checkpoint high_watermarks;
  offset_checkpoint cleaner_offsets;
};

/// A partition's folder as `load` met it.
struct log_manager::found_log {
  std::size_t directory = 0;
  std::string path;
  topic_partition partition;
  std::optional<moldau::topic_id> topic_id;
};

}  // namespace moldau::storage
