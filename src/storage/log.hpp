#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"
#include "storage/async_mutex.hpp"
#include "storage/epoch_cache.hpp"
#include "storage/log_options.hpp"
#include "storage/offset_gate.hpp"
#include "storage/producer_state.hpp"
#include "storage/sync_group.hpp"
#include "storage/tail_cache.hpp"

namespace moldau::storage {

class segment;
struct loaded_log;
struct locate_request;

/// What a core gives to its logs; all of it outlives them.
struct log_context {
  rt::world* world = nullptr;
  /// The group of this core and of the directory that the log lies in.
  sync_group* sync = nullptr;
  tail_budget* tail = nullptr;
  const storage_options* storage = nullptr;
  /// Writes the recovery point checkpoints, which a truncation must have done before anything is appended again; may
  /// be empty where nobody keeps them.
  std::function<rt::task<result<void>>()> checkpoint = {};
};

struct log_open_options {
  /// The partition's own folder, ".../topic-0"; made if it isn't there.
  std::string directory;
  topic_partition partition;
  /// Written to `partition.metadata` if that isn't there; all zeros: taken from there.
  moldau::topic_id topic_id;
  log_options options;
  /// Whether the process that wrote the directory stopped cleanly: then nothing is checked.
  bool clean_shutdown = false;
  /// A sync has failed since the recovery point: the page cache may hold what the disk never got, and a sync alone
  /// wouldn't write it again. What recovery reads is written anew.
  bool rewrite = false;
  /// From recovery-point-offset-checkpoint: below it, everything is known to be whole and on disk.
  offset recovery_point{0};
  /// From log-start-offset-checkpoint.
  offset log_start{0};
  /// Damage that would end the log below this fails the opening, and nothing is cut off.
  offset must_reach{0};
  /// All below it had been written once: a log that ends before it, whatever became of the rest, fails the opening.
  offset written_end{0};
};

/// What an append gave.
struct append_info {
  /// Of a duplicate: those that its first append got.
  offset first_offset;
  offset last_offset;
  std::int64_t max_timestamp_ms = -1;
  /// -1 unless the topic has LogAppendTime.
  std::int64_t log_append_time_ms = -1;
  /// The batch was there already and nothing was appended. Its sync may still be to come.
  bool duplicate = false;
};

struct read_options {
  offset from;
  std::uint32_t max_bytes = 1U << 20U;
  /// Gives the first batch even if it is larger than `max_bytes`.
  bool min_one_batch = true;
  /// Only batches that lie wholly below are given: the high watermark or the last stable offset, for followers the log
  /// end.
  offset upper_bound;
};

/// Batches one after another, starting with the one that holds the asked offset; the last may be cut short, as in
/// Kafka. File ranges were resident when they were made.
struct read_result {
  std::vector<rt::chunk> chunks;
  std::uint64_t size_bytes = 0;
};

struct timestamp_offset {
  std::int64_t timestamp_ms = -1;
  moldau::offset offset = no_offset;
  moldau::leader_epoch leader_epoch = no_leader_epoch;

  friend bool operator==(const timestamp_offset&, const timestamp_offset&) = default;
};

struct aborted_transaction {
  moldau::producer_id producer_id;
  offset first_offset;

  friend bool operator==(const aborted_transaction&, const aborted_transaction&) = default;
};

/// Hears of a log's progress, on the log's core, inside the call that made it. May append and read, not destroy.
class log_listener {
 public:
  virtual void on_written() = 0;
  virtual void on_synced() = 0;
  /// Nothing of this log's directory may be answered any more.
  virtual void on_failed(const error& why) = 0;

 protected:
  ~log_listener() = default;
};

/// One partition's log: Kafka's files in one folder, append at the end, read anywhere.
///
/// Lives on one core and is called there only. `append_*` never suspends: it assigns, queues and returns; the sync
/// group writes and syncs. Tasks that change the log's files (truncate, delete, flush, close) run one after another.
/// Destroy it only after `close` (or `abandon`) has been awaited.
class log final : private sync_group::member {
 public:
  /// Loads on a worker and opens here. Errors: `kafka_storage_error`, `io_error`, `inconsistent_topic_id`.
  [[nodiscard]] static rt::task<result<std::unique_ptr<log>>> open(log_context context, log_open_options options);

  /// Opens what `load_log` (log_recovery.hpp) has loaded.
  log(log_context context, loaded_log&& loaded);
  log(const log&) = delete;
  log& operator=(const log&) = delete;
  ~log();

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] const topic_partition& partition() const { return partition_; }
  [[nodiscard]] const moldau::topic_id& topic_id() const { return topic_id_; }
  [[nodiscard]] const log_options& options() const { return options_; }
  void set_options(const log_options& options);
  void set_listener(log_listener* listener) { listener_ = listener; }

  [[nodiscard]] offset log_start() const { return log_start_; }
  [[nodiscard]] offset log_end() const { return log_end_; }
  /// Everything below is in the file.
  [[nodiscard]] offset written_end() const { return written_.reached(); }
  /// Everything below is on the disk.
  [[nodiscard]] offset synced_end() const { return synced_.reached(); }
  /// Everything below is on the disk together with its indexes: where recovery starts.
  [[nodiscard]] offset recovery_point() const { return recovery_point_; }
  /// Kept for the replica layer, which decides it: retention, compaction and transactions go by it. Starts at the log
  /// start.
  [[nodiscard]] offset high_watermark() const { return high_watermark_; }
  void set_high_watermark(offset at);
  /// The first offset that isn't decided: of the oldest open transaction, otherwise the high watermark.
  [[nodiscard]] offset last_stable_offset() const;
  /// Bytes of all segments.
  [[nodiscard]] std::uint64_t size_bytes() const;
  [[nodiscard]] std::size_t segment_count() const { return segments_.size(); }
  [[nodiscard]] offset first_segment_base() const { return segments_.begin()->first; }

  /// Appends a batch as the leader of this partition.
  ///
  /// `batch` holds one complete record batch of magic 2, CRC already verified, and is nobody else's: base offset,
  /// leader epoch and (with LogAppendTime) timestamp are written into it in place; it is then shared with the fetch
  /// cache.
  ///
  /// Returns the assigned offsets at once: the bytes are queued, not yet written.
  ///
  /// Errors: `out_of_order_sequence_number`, `invalid_producer_epoch`, `invalid_txn_state`,
  /// `transaction_coordinator_fenced`, `record_list_too_large` (nothing was appended); `kafka_storage_error`.
  [[nodiscard]] result<append_info> append_as_leader(shared_bytes batch, leader_epoch epoch,
                                                     append_origin origin = append_origin::client);
  /// Appends whole batches with the offsets that the leader gave them, as fetched from it. Several batches may come in
  /// one buffer; a last one that is cut short is left out. CRCs are verified here.
  /// Errors: `corrupt_message`, `offset_out_of_range` (the first is below the log end), `kafka_storage_error`.
  [[nodiscard]] result<append_info> append_as_follower(shared_bytes batches);

  /// `co_await log.await_written(end)`: until everything below `end` is in the file (acks=1 may be answered), or the
  /// directory has failed (`kafka_storage_error`).
  [[nodiscard]] offset_gate::awaiter await_written(offset end) { return written_.wait(end); }
  /// Until everything below `end` is on the disk.
  [[nodiscard]] offset_gate::awaiter await_synced(offset end) { return synced_.wait(end); }

  /// Reads what can be had without waiting for the disk. Errors: as `read`, and `would_block`: call `read`.
  [[nodiscard]] result<read_result> try_read(const read_options& options);
  /// Reads, on a worker if need be. Nothing at the log end or at the upper bound.
  /// Errors: `offset_out_of_range` (below the start, above the end), `kafka_storage_error`.
  [[nodiscard]] rt::task<result<read_result>> read(read_options options);

  /// The first record whose timestamp is not below, or nothing.
  [[nodiscard]] rt::task<result<std::optional<timestamp_offset>>> offset_for_timestamp(std::int64_t timestamp_ms);
  /// The record with the largest timestamp, the first of several, or nothing in an empty log.
  [[nodiscard]] rt::task<result<std::optional<timestamp_offset>>> offset_of_max_timestamp();
  /// The aborted transactions that overlap [from, to).
  [[nodiscard]] rt::task<result<std::vector<aborted_transaction>>> aborted_transactions(offset from, offset to);

  /// This replica leads in `epoch` from now on, at the log end (KIP-101); known even if nothing is appended.
  void begin_epoch(leader_epoch epoch);
  [[nodiscard]] const epoch_cache& epochs() const { return epochs_; }
  [[nodiscard]] std::optional<leader_epoch> latest_epoch() const { return epochs_.latest(); }
  [[nodiscard]] epoch_end end_offset_for_epoch(leader_epoch epoch) const {
    return epochs_.end_offset_for(epoch, log_end_);
  }
  [[nodiscard]] const producer_state& producers() const { return producers_; }
  [[nodiscard]] std::vector<producer_description> describe_producers() const { return producers_.describe(); }

  /// DeleteRecords: the log starts at `start` now, and segments wholly below it go.
  /// Errors: `offset_out_of_range` if it is above the high watermark.
  [[nodiscard]] rt::task<result<void>> delete_records(offset start);
  /// A follower's: everything at `end` and above goes. Nothing may be appended until it has returned.
  [[nodiscard]] rt::task<result<void>> truncate_to(offset end);
  /// Everything goes, and the log starts anew, empty, at `start`.
  [[nodiscard]] rt::task<result<void>> truncate_fully_and_start_at(offset start);
  /// Deletes whole segments by retention time, size and log start, as far as the high watermark allows. Returns how
  /// many went. Also forgets producers that have been silent too long.
  [[nodiscard]] rt::task<result<std::size_t>> apply_retention();
  /// How much compaction would have to do, and whether it is due.
  struct compaction_need {
    /// Where the part begins that hasn't been cleaned, and where what may not be cleaned yet does.
    offset first_dirty;
    offset first_uncleanable;
    std::uint64_t clean_bytes = 0;
    std::uint64_t dirty_bytes = 0;
    /// By `min.cleanable.dirty.ratio` or `max.compaction.lag.ms`.
    bool due = false;

    [[nodiscard]] double dirty_ratio() const {
      const auto all = static_cast<double>(clean_bytes + dirty_bytes);
      return all > 0 ? static_cast<double>(dirty_bytes) / all : 0;
    }
  };
  /// `cleaned_to` is what cleaner-offset-checkpoint says of this log.
  [[nodiscard]] rt::task<result<compaction_need>> compaction_needed(offset cleaned_to);
  /// Keeps the last record of each key in [`need.first_dirty`, `need.first_uncleanable`), and tombstones for
  /// `delete.retention.ms`. Returns up to where the log is clean now. Runs on workers; appends and reads go on.
  /// Errors: `closed` once `end_compacting` or `abandon` was called.
  [[nodiscard]] rt::task<result<offset>> compact(compaction_need need);
  /// What is compacted now ends soon, without effect, and nothing is compacted any more: a stop can't wait for it.
  void end_compacting() { compacting_ended_.store(true, std::memory_order_relaxed); }
  /// Starts a new segment at the log end if the active one holds anything.
  void roll();
  /// Syncs indexes, producer snapshot and epochs and moves the recovery point to what the log end is now.
  [[nodiscard]] rt::task<result<void>> flush();
  /// A clean stop: `flush`, indexes cut to what they hold. Nothing may be called afterwards but the destructor.
  [[nodiscard]] rt::task<result<void>> close();
  /// Ends without making anything durable, for a failed directory or before deletion.
  [[nodiscard]] rt::task<void> abandon();

 private:
  struct queued_write {
    std::shared_ptr<segment> to;
    std::uint64_t position = 0;
    shared_bytes bytes;
  };

  // sync_group::member
  void begin_write() override;
  result<void> write() override;
  void end_write() override;
  void begin_sync(bool and_taken) override;
  result<void> sync() override;
  void end_sync() override;
  void on_failed(const error& why) override;

  void adopt(loaded_log&& loaded);
  [[nodiscard]] result<void> usable() const;
  void enqueue(shared_bytes bytes, offset base, offset last, std::int64_t max_timestamp_ms);
  [[nodiscard]] bool must_roll(std::size_t size, offset last, std::int64_t max_timestamp_ms) const;
  void start_segment(offset base);
  void take_marker(const std::optional<completed_transaction>& done);
  [[nodiscard]] result<void> check_range(offset from) const;
  [[nodiscard]] result<read_result> read_tail(const read_options& options, const tail_cache::entry& first);
  [[nodiscard]] locate_request prepare(const read_options& options, const std::shared_ptr<segment>& from) const;
  [[nodiscard]] std::vector<std::shared_ptr<segment>> segment_list() const;
  /// The segment that the log starts in. Those before it wait for their deletion; nobody looks into them.
  using segment_map = std::map<offset, std::shared_ptr<segment>>;
  [[nodiscard]] segment_map::const_iterator first_live() const;

  rt::task<void> finish_rolled();
  rt::task<result<void>> flush_locked(bool closing);
  rt::task<result<void>> reload(offset recovery_point, offset log_start);
  rt::task<result<void>> remove_segments(std::vector<std::shared_ptr<segment>> gone, std::string why);
  rt::task<result<void>> delete_below_start();
  rt::task<result<void>> finish_oldest_rolled();
  rt::task<result<void>> load_largest_times();
  rt::task<void> purge_deleted();
  void schedule_purge();
  void move_start(offset start);
  [[nodiscard]] error fail_directory(error why);

  rt::world& world_;
  sync_group& sync_;
  const storage_options& storage_;
  std::function<rt::task<result<void>>()> context_checkpoint_;
  std::string directory_;
  topic_partition partition_;
  moldau::topic_id topic_id_;
  log_options options_;
  log_listener* listener_ = nullptr;

  segment_map segments_;
  segment* active_ = nullptr;
  std::int64_t roll_jitter_ms_ = 0;

  offset log_start_{0};
  offset log_end_{0};
  offset recovery_point_{0};
  offset high_watermark_{0};
  offset_gate written_;
  offset_gate synced_;
  epoch_cache epochs_;
  bool epochs_dirty_ = false;
  producer_state producers_;
  std::int64_t producers_expired_ms_ = 0;
  tail_cache tail_;

  std::vector<queued_write> queue_;
  // Touched by a worker between begin_* and end_*.
  std::vector<queued_write> writing_;
  /// Segments with bytes that aren't synced: what has to be before a new segment's files are made.
  std::vector<std::shared_ptr<segment>> before_new_segment_;
  std::optional<std::string> writing_epochs_;
  offset write_mark_{0};
  std::vector<std::shared_ptr<segment>> syncing_;
  offset sync_mark_{0};

  std::vector<std::shared_ptr<segment>> unsynced_;
  /// Rolled segments whose indexes aren't on disk yet, oldest first.
  std::vector<std::shared_ptr<segment>> rolled_;
  bool finishing_ = false;
  std::optional<offset> checkpoint_snapshot_;

  struct doomed {
    std::vector<std::string> paths;
    rt::time_point due;
  };
  std::vector<doomed> doomed_;
  std::unique_ptr<rt::timer> purge_timer_;

  async_mutex changing_;
  async_mutex compacting_;
  std::atomic<bool> compacting_ended_ = false;
  rt::gate background_;
  bool closed_ = false;
};

}  // namespace moldau::storage
