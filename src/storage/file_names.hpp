#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::storage {

/// The names of Kafka's files in a partition's folder and in a log directory.
namespace names {
inline constexpr std::string_view log = ".log";
inline constexpr std::string_view offset_index = ".index";
inline constexpr std::string_view time_index = ".timeindex";
inline constexpr std::string_view txn_index = ".txnindex";
inline constexpr std::string_view snapshot = ".snapshot";
/// A file that is about to go.
inline constexpr std::string_view deleted = ".deleted";
/// What compaction is writing.
inline constexpr std::string_view cleaned = ".cleaned";
/// What compaction has finished and is putting in the place of older segments.
inline constexpr std::string_view swap = ".swap";
inline constexpr std::string_view delete_dir = "-delete";
inline constexpr std::string_view future_dir = "-future";
inline constexpr std::string_view stray_dir = "-stray";

inline constexpr std::string_view lock = ".lock";
inline constexpr std::string_view meta_properties = "meta.properties";
inline constexpr std::string_view clean_shutdown = ".kafka_cleanshutdown";
/// A write or sync in this directory has failed: what the page cache holds may not be on the disk. Ours alone.
inline constexpr std::string_view distrusted = ".moldau-failed-sync";
inline constexpr std::string_view recovery_points = "recovery-point-offset-checkpoint";
inline constexpr std::string_view log_starts = "log-start-offset-checkpoint";
inline constexpr std::string_view high_watermarks = "replication-offset-checkpoint";
inline constexpr std::string_view cleaner_offsets = "cleaner-offset-checkpoint";
inline constexpr std::string_view leader_epochs = "leader-epoch-checkpoint";
inline constexpr std::string_view partition_metadata = "partition.metadata";
}  // namespace names

/// "00000000000000000042.log" from 42 and ".log".
[[nodiscard]] std::string segment_file_name(offset base, std::string_view suffix);
/// The offset of a name that is 20 digits and `suffix`, or nothing.
[[nodiscard]] std::optional<offset> parse_segment_file_name(std::string_view name, std::string_view suffix);

/// "orders-3" and back. The topic may hold dashes; the folder must not be one that is to be deleted.
[[nodiscard]] std::string partition_directory_name(std::string_view topic, partition_id partition);
[[nodiscard]] std::optional<topic_partition> parse_partition_directory_name(std::string_view name);
/// "orders-3.<32 hex digits>-delete" (or "-stray"), cut to what a file name may have.
[[nodiscard]] std::string doomed_directory_name(std::string_view topic, partition_id partition, std::uint64_t random_a,
                                                std::uint64_t random_b, std::string_view suffix);

}  // namespace moldau::storage
