#pragma once

#include <string>
#include <vector>

#include "config/broker_config.hpp"
#include "config/topic_config.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "raft/voters.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"
#include "storage/log_options.hpp"

namespace moldau::broker {

struct prepared_directories {
  std::string cluster_id;
  /// Of the metadata log directory.
  directory_id metadata_directory;
};

/// Makes sure that every log directory is formatted: fresh ones are, by themselves, as `kafka-storage format` would; a
/// mixture of formatted ones of several clusters or nodes is refused.
/// Errors: a sentence that names the directory and what to do.
[[nodiscard]] rt::task<result<prepared_directories>> prepare_log_directories(rt::world& world,
                                                                             const config::broker_config& config,
                                                                             std::vector<raft::endpoint> controllers);

/// Properties as storage takes them.
[[nodiscard]] storage::log_options to_log_options(const config::topic_config& from);
[[nodiscard]] storage::storage_options to_storage_options(const config::broker_config& from);

}  // namespace moldau::broker
