#pragma once

#include <cstdint>
#include <limits>

namespace moldau::storage {

/// What a topic's configuration says about its logs. Filled by the owner from the broker's and the topic's properties;
/// may be exchanged while the log is open (`log::set_options`).
struct log_options {
  /// `segment.bytes`.
  std::uint32_t segment_bytes = 1U << 30U;
  /// `segment.ms`: a segment is rolled when a batch comes that is this much later than its first.
  std::int64_t segment_ms = 7LL * 24 * 60 * 60 * 1000;
  /// `segment.jitter.ms`: up to this much is taken off `segment_ms`, by chance.
  std::int64_t segment_jitter_ms = 0;
  /// `segment.index.bytes`: a segment is rolled when an index has grown to this.
  std::uint32_t segment_index_bytes = 10U << 20U;
  /// `index.interval.bytes`: how many bytes of log lie between two index entries.
  std::uint32_t index_interval_bytes = 4096;
  /// `cleanup.policy` has "delete".
  bool cleanup_delete = true;
  /// `cleanup.policy` has "compact".
  bool cleanup_compact = false;
  /// `retention.bytes`; -1: no limit.
  std::int64_t retention_bytes = -1;
  /// `retention.ms`; -1: no limit.
  std::int64_t retention_ms = 7LL * 24 * 60 * 60 * 1000;
  /// `file.delete.delay.ms`: how long a deleted segment's files stay as `.deleted`.
  std::int64_t file_delete_delay_ms = 60'000;
  /// `delete.retention.ms`: how long a tombstone stays in the cleaned part of a compacted log.
  std::int64_t delete_retention_ms = 24LL * 60 * 60 * 1000;
  /// `min.compaction.lag.ms`.
  std::int64_t min_compaction_lag_ms = 0;
  /// `max.compaction.lag.ms`.
  std::int64_t max_compaction_lag_ms = std::numeric_limits<std::int64_t>::max();
  /// `min.cleanable.dirty.ratio`.
  double min_cleanable_dirty_ratio = 0.5;
  /// `max.message.bytes`: the cleaner's buffers start here.
  std::uint32_t max_message_bytes = 1'048'588;
  /// `message.timestamp.type=LogAppendTime`: `append_as_leader` sets the batch's timestamp.
  bool log_append_time = false;
  /// `preallocate`: disk space for the whole segment is reserved when it is made. The file's size stays what is
  /// written.
  bool preallocate = false;

  friend bool operator==(const log_options&, const log_options&) = default;
};

/// What the broker's configuration says about all its logs.
struct storage_options {
  /// `producer.id.expiration.ms`: how long an idle producer's sequence numbers are remembered.
  std::int64_t producer_id_expiration_ms = 24LL * 60 * 60 * 1000;
  /// `producer.id.expiration.check.interval.ms`.
  std::int64_t producer_id_expiration_check_interval_ms = 600'000;
  /// `log.flush.offset.checkpoint.interval.ms`: how often a log's indexes are synced and its recovery point moves.
  std::int64_t checkpoint_interval_ms = 60'000;
  /// `log.retention.check.interval.ms`.
  std::int64_t retention_check_interval_ms = 300'000;
  /// How many bytes of recent batches one core keeps in memory for fetches, over all its logs.
  std::uint64_t tail_cache_bytes = 16ULL << 20U;
  /// How many of them one log may take.
  std::uint64_t tail_cache_bytes_per_log = 4ULL << 20U;
  /// Disk space is reserved ahead of the writes in steps of up to this many bytes; 0: not at all.
  std::uint64_t reserve_step_bytes = 0;
  /// How many worker jobs one sync round may use: one a dirty segment, up to this.
  unsigned sync_jobs = 4;
  /// Whether what was appended is written while an earlier round still syncs: for `log.flush.ack=false`, where the
  /// written bytes are what is answered.
  bool write_while_syncing = false;

  /// `log.cleaner.enable`.
  bool cleaner_enable = true;
  /// `log.cleaner.dedupe.buffer.size`.
  std::uint64_t cleaner_dedupe_buffer_bytes = 128ULL << 20U;
  /// `log.cleaner.io.buffer.load.factor`: how full the offset map may get.
  double cleaner_load_factor = 0.9;
  /// `log.cleaner.backoff.ms`: how long to wait when there is nothing to clean.
  std::int64_t cleaner_backoff_ms = 15'000;
};

}  // namespace moldau::storage
