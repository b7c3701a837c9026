#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/file.hpp"

namespace moldau::storage {

/// The rows of one of Kafka's checkpoint files: a version (0), a count, so many rows.
/// Errors: `errc::malformed`.
[[nodiscard]] result<std::vector<std::string_view>> parse_checkpoint(std::string_view content);
/// The numbers of a row, separated by a blank; nothing at all if one isn't a number.
[[nodiscard]] std::vector<std::int64_t> split_numbers(std::string_view row);

/// An offset for each partition: recovery points, log starts, high watermarks, cleaner offsets.
using offset_checkpoint = std::map<topic_partition, offset>;

/// Errors: `errc::malformed`.
[[nodiscard]] result<offset_checkpoint> parse_offset_checkpoint(std::string_view content);
[[nodiscard]] std::string encode_offset_checkpoint(const offset_checkpoint& offsets);
/// A file that isn't there is empty. Errors: `malformed`, `io_error`. Blocks.
[[nodiscard]] result<offset_checkpoint> read_offset_checkpoint(rt::file_system& files, const std::string& path);
/// Atomically and durably. Blocks.
[[nodiscard]] result<void> write_offset_checkpoint(rt::file_system& files, const std::string& path,
                                                   const offset_checkpoint& offsets);

/// `partition.metadata`. Errors: `errc::malformed`.
[[nodiscard]] result<topic_id> parse_partition_metadata(std::string_view content);
[[nodiscard]] std::string encode_partition_metadata(const topic_id& id);

/// `.kafka_cleanshutdown`: the broker epoch; -1 for an empty file, as older brokers leave it.
[[nodiscard]] std::int64_t parse_clean_shutdown(std::string_view content);
[[nodiscard]] std::string encode_clean_shutdown(std::int64_t broker_epoch);

}  // namespace moldau::storage
