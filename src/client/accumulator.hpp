#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/producer_batch.hpp"
#include "moldau/core/result.hpp"
#include "wire/compression.hpp"

namespace moldau::client {

/// What became of a partition's batches so far.
struct lane_counts {
  std::uint64_t sent_records = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t failed_records = 0;
  std::uint64_t batches = 0;
  std::uint64_t retries = 0;
};

/// One partition's records on their way from `send` to their fate. Its address is its name: it lives as long as the
/// accumulator.
class partition_lane {
 public:
  partition_lane(std::string_view topic, partition_id partition) : topic_(topic), partition_(partition) {}
  partition_lane(const partition_lane&) = delete;
  partition_lane& operator=(const partition_lane&) = delete;

  /// A view into what its owner keeps.
  [[nodiscard]] std::string_view topic() const { return topic_; }
  [[nodiscard]] partition_id partition() const { return partition_; }

  /// Any thread; of the moment. How many batches wait, the open one not counted.
  [[nodiscard]] std::int32_t queued() const { return queued_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_between_batches() const { return open_since_.load(std::memory_order_relaxed) == 0; }
  /// Whether records without a key should go elsewhere (KIP-794); told by the I/O thread.
  [[nodiscard]] bool is_avoided() const { return avoided_.load(std::memory_order_relaxed); }
  void avoid(bool on) { avoided_.store(on, std::memory_order_relaxed); }

 private:
  friend class accumulator;

  const std::string_view topic_;
  const partition_id partition_;

  /// Guards the next three.
  std::mutex mutex_;
  batch_ptr open_;
  batch_queue closed_;
  bool is_shut_ = false;
  /// What the last batches took.
  std::size_t usual_bytes_ = 0;
  std::size_t usual_count_ = 0;

  /// When the open batch was begun, in the clock's nanoseconds; 0 without one.
  std::atomic<std::int64_t> open_since_ = 0;
  std::atomic<std::int32_t> closed_count_ = 0;
  std::atomic<std::int32_t> queued_ = 0;
  std::atomic<bool> avoided_ = false;
  /// Whether it is in the list of those with news for the I/O thread.
  std::atomic<bool> has_news_ = false;
  partition_lane* next_with_news_ = nullptr;

  // From here on the I/O thread's alone.
  lane_counts counts_;
  bool is_active_ = false;
  /// Closed batches in order, never sent and without a sequence.
  batch_queue waiting_;
  /// To be sent again, in order.
  batch_queue repeats_;
  rt::time_point repeat_after_;
  /// On their way, in order.
  std::vector<producer_batch*> in_flight_;
  producer_identity identity_;
  std::int32_t next_sequence_ = 0;
  std::uint64_t next_order_ = 0;
  /// Whether the broker has taken a batch of this epoch. It takes any number from a producer that it doesn't know yet,
  /// so until then nothing may be on its way behind the first one.
  bool is_known_ = false;
  /// Counts anew with the next epoch, as soon as nothing is on its way.
  bool must_restart_ = false;
};

/// Tells the time where it is needed at all.
class clock {
 public:
  [[nodiscard]] virtual rt::time_point now() const = 0;

 protected:
  ~clock() = default;
};

/// Where ready batches go.
class road {
 public:
  /// Whether the lane's broker can take a batch of at most so many bytes now. If so it is loaded at once.
  virtual bool is_open(partition_lane& lane, std::size_t bytes) = 0;
  virtual void load(batch_ptr batch) = 0;

 protected:
  ~road() = default;
};

/// Gathers records into batches, numbers them and decides what may be sent when: the producer's state machine, without
/// I/O, clock or threads of its own. `append` belongs to any thread, all else to the I/O thread.
///
/// Rules that keep order and uniqueness (KIP-98, KIP-360): a partition's batches leave in the order of their sequence
/// numbers; the first of an epoch goes alone; while one has to be repeated nothing newer leaves, and repeats go one at
/// a time. A batch that is given up keeps its numbers: if it was appended after all the next one fits, and if not the
/// broker says so, whereupon the partition counts from 0 in its producer's next epoch, once nothing of it is on its
/// way. So whether what timed out was appended is never guessed, and a batch of the old epoch that is still under way
/// somewhere is refused.
class accumulator {
 public:
  struct options {
    std::size_t batch_bytes = 16 * 1024;
    rt::duration linger{};
    rt::duration delivery_timeout{};
    bool idempotence = true;
    wire::compression compression;
    /// On their way from one partition at once.
    std::size_t in_flight_max = 5;
    std::int32_t retries = INT32_MAX;
    std::size_t buffer_memory_bytes = 32 * 1024 * 1024;
  };

  explicit accumulator(const options& chosen);
  ~accumulator();

  /// A new lane. `topic` must live as long as this.
  partition_lane& add_lane(std::string_view topic, partition_id partition);

  /// What a record is made of.
  struct record {
    std::int64_t timestamp_ms = -1;
    std::optional<bytes_view> key;
    std::optional<bytes_view> value;
    std::span<const header_view> headers;
  };
  /// Whether the I/O thread has to be woken for it.
  enum class appended : bool { quietly, wake };
  /// Where a record comes from: of one that was kept before, memory is taken over the limit and after `shut` too.
  enum class source : bool { caller, kept };

  /// Adds a record to the lane's open batch, or to a new one. The bytes are copied. Any thread; one lane's records
  /// stand in the order of the calls.
  /// Errors: `would_block` where memory has run out, `closed` after `shut`, `message_too_large`.
  [[nodiscard]] result<appended> append(partition_lane& to, const record& what, const report_to& report,
                                        const clock& time, source from = source::caller);
  [[nodiscard]] memory_budget& budget() { return budget_; }

  /// Loads what may leave now, one batch a lane at most; tells how many. With idempotence nothing leaves before there
  /// is an identity. Batches whose time is up go to `finished` instead.
  std::size_t take_ready(rt::time_point now, road& roads, std::vector<finished_batch>& finished);
  /// Only the second half of that: gives up batches whose time is up.
  void expire(rt::time_point now, std::vector<finished_batch>& finished);
  /// A batch came back. It is finished, or kept to be sent again after `retry_after`.
  void on_outcome(batch_ptr batch, batch_outcome outcome, rt::time_point retry_after,
                  std::vector<finished_batch>& finished);
  /// The memory of a finished batch no longer counts.
  void uncharge(producer_batch& batch);
  /// A finished batch whose reports are out is used again. Any thread.
  void recycle(batch_ptr batch);

  /// The identity to be used from now on.
  void set_identity(producer_identity identity);
  /// Whether a new identity is needed: none yet, or a partition has used its epochs up.
  [[nodiscard]] bool needs_identity() const { return options_.idempotence && needs_identity_; }

  /// Starts a flush: until `end_flush` nothing lingers. What it waits for is what is there now.
  [[nodiscard]] std::uint64_t begin_flush();
  [[nodiscard]] bool is_flushed(std::uint64_t round) const;
  void end_flush() { --flushes_; }

  /// Whether nothing waits and nothing is on its way.
  [[nodiscard]] bool is_idle();
  /// When `take_ready` may have something more to give even if nothing happens; nothing if only news will tell. From
  /// now on `append` asks for the I/O thread only if that is too late.
  [[nodiscard]] std::optional<rt::time_point> next_deadline(rt::time_point now);
  /// Whether there is news that `next_deadline` hasn't seen.
  [[nodiscard]] bool has_news() const { return news_.load() != nullptr; }

  /// Gives up what isn't on its way.
  void drop_waiting(const error& why, std::vector<finished_batch>& finished);
  /// Gives up the records that are on their way: what becomes of them isn't known.
  void abandon_in_flight(const error& why, std::vector<finished_batch>& finished);
  /// No lane takes a record any more.
  void shut();

  /// Lanes with something in them.
  [[nodiscard]] const std::vector<partition_lane*>& active_lanes();
  [[nodiscard]] static bool has_waiting(const partition_lane& lane);
  /// What is and was in each lane (producer_statistics.cpp).
  [[nodiscard]] std::vector<partition_statistics> count() const;

 private:
  bool open_batch(partition_lane& lane, std::size_t record_bytes, rt::time_point now, source from);
  bool make_room(partition_lane& lane, std::size_t record_bytes, source from);
  void close_batch(partition_lane& lane);
  [[nodiscard]] bool must_wake(partition_lane& lane, rt::time_point deadline);

  void gather();
  void fetch_closed(partition_lane& lane);
  batch_ptr take_open(partition_lane& lane);
  batch_ptr take_from(partition_lane& lane, rt::time_point now, road& roads, bool& is_refused);
  void expire(partition_lane& lane, rt::time_point now, std::vector<finished_batch>& finished);
  void finish(batch_ptr batch, batch_outcome outcome, std::vector<finished_batch>& finished);
  [[nodiscard]] batch_ptr abandon(producer_batch& batch);
  void number(partition_lane& lane, producer_batch& batch);
  [[nodiscard]] result<void> seal(producer_batch& batch);
  void renumber_if_due(partition_lane& lane);
  [[nodiscard]] result<void> split(producer_batch& batch);
  void repeat(batch_ptr batch, rt::time_point after);
  void lose_identity(const partition_lane& lane);
  void mark_for_flush(batch_queue& queue, std::size_t& marked) const;
  [[nodiscard]] bool is_open_due(const partition_lane& lane, rt::time_point now) const;

  const options options_;
  memory_budget budget_;
  batch_pool pool_;
  wire::codec_context codecs_;
  std::vector<std::unique_ptr<partition_lane>> lanes_;
  std::vector<partition_lane*> active_;
  /// The lane whose turn it is.
  std::size_t turn_ = 0;
  std::atomic<partition_lane*> news_ = nullptr;
  /// When the I/O thread looks again by itself, in the clock's nanoseconds.
  std::atomic<std::int64_t> looks_at_;
  producer_identity identity_;
  bool needs_identity_ = true;
  bool is_shut_ = false;
  int flushes_ = 0;
  std::uint64_t flush_round_ = 0;
  /// How many batches each flush still waits for; those in front are done.
  std::vector<std::pair<std::uint64_t, std::size_t>> flush_counts_;
};

}  // namespace moldau::client
