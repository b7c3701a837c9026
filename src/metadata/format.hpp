#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "metadata/image.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
#include "raft/voters.hpp"

namespace moldau::metadata {

/// The ranges that this node announces in registrations and ApiVersions: Kafka 4.3's.
[[nodiscard]] const feature_ranges& supported_features();
/// The levels that a fresh cluster of 4.3 starts with.
[[nodiscard]] std::map<std::string, std::int16_t, std::less<>> default_feature_levels();
/// The same as records: what `bootstrap.checkpoint` holds, and what counts where there is none.
[[nodiscard]] std::vector<shared_bytes> default_bootstrap_records();
inline constexpr std::int16_t latest_production_metadata_version = 30;
inline constexpr std::int16_t oldest_metadata_version = 7;
/// "4.3-IV0"; empty for a level that isn't known.
[[nodiscard]] std::string_view metadata_version_name(std::int16_t level);

struct format_options {
  broker_id node = no_broker;
  /// Of the metadata log directory.
  directory_id directory;
  /// Advertised controller listeners.
  std::vector<raft::endpoint> controller_endpoints;
  /// `--standalone`: kraft.version 1 with this node as the only voter. Otherwise kraft.version 0, whose voters are
  /// configured (`controller.quorum.voters`).
  bool standalone = true;
  std::int64_t now_ms = 0;
};

/// A file for a fresh log directory, by its path within it. `meta.properties` isn't among them: storage writes it.
struct formatted_file {
  std::string path;
  std::vector<shared_bytes> contents;
};

/// What `kafka-storage format` leaves in the metadata log directory: `bootstrap.checkpoint` and, standalone, the
/// snapshot 0-0 in `__cluster_metadata-0`.
[[nodiscard]] std::vector<formatted_file> format_metadata_directory(const format_options& options);

/// Records of a `bootstrap.checkpoint`, copied: what `controller::activate` writes to an empty log.
/// Errors: as `raft::read_snapshot` and `apply_record`.
[[nodiscard]] result<std::vector<shared_bytes>> read_bootstrap(bytes_view file);

}  // namespace moldau::metadata
