#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/broker_config.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/result.hpp"

namespace moldau::config {

/// `compression.type` of a topic: keep what the producer sent, or change to a codec.
enum class topic_compression : std::uint8_t { producer, uncompressed, gzip, snappy, lz4, zstd };

/// A topic's properties in effect, typed. Times in milliseconds, sizes in bytes; the largest value means "never".
struct topic_config {
  bool cleanup_compact = false;
  bool cleanup_delete = true;
  topic_compression compression = topic_compression::producer;
  std::int32_t compression_gzip_level = -1;
  std::int32_t compression_lz4_level = 9;
  std::int32_t compression_zstd_level = 3;
  std::int64_t delete_retention_ms = 86'400'000;
  std::int64_t file_delete_delay_ms = 60'000;
  std::int64_t flush_messages = INT64_MAX;
  std::int64_t flush_ms = INT64_MAX;
  std::int32_t index_interval_bytes = 4096;
  std::int64_t max_compaction_lag_ms = INT64_MAX;
  std::int32_t max_message_bytes = 1'048'588;
  std::int64_t message_timestamp_after_max_ms = 3'600'000;
  std::int64_t message_timestamp_before_max_ms = INT64_MAX;
  moldau::timestamp_type message_timestamp_type = moldau::timestamp_type::create_time;
  double min_cleanable_dirty_ratio = 0.5;
  std::int64_t min_compaction_lag_ms = 0;
  std::int32_t min_insync_replicas = 1;
  bool preallocate = false;
  /// -1: no bound.
  std::int64_t retention_bytes = -1;
  /// -1: no bound.
  std::int64_t retention_ms = 604'800'000;
  std::int32_t segment_bytes = 1'073'741'824;
  std::int32_t segment_index_bytes = 10'485'760;
  std::int64_t segment_jitter_ms = 0;
  std::int64_t segment_ms = 604'800'000;
  bool unclean_leader_election_enable = false;

  friend bool operator==(const topic_config&, const topic_config&) = default;
};

/// What is in effect for a topic: its own settings over the broker's, over the defaults.
///
/// Settings that don't parse or aren't known (written by a newer Kafka) count as absent: a log must always open.
[[nodiscard]] topic_config effective_topic_config(const broker_config& broker, const settings& overrides);

/// Checks the whole set that a topic would have after a request, as Kafka does: names, values, and across properties.
///
/// Errors: `errc::invalid_config` with Kafka's sentence.
[[nodiscard]] result<void> validate_topic_config(const broker_config& broker, const settings& overrides);

/// All properties of a topic as DescribeConfigs answers them, and as CreateTopics lists them (then without synonyms
/// being sent).
[[nodiscard]] std::vector<described_config> describe_topic(const broker_config& broker, const settings& overrides);

}  // namespace moldau::config
