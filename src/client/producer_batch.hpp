#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "moldau/client/producer.hpp"
#include "moldau/core/async.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "rt/world.hpp"
#include "wire/batch_builder.hpp"

namespace moldau::client {

class partition_lane;

/// Who the producer is to the brokers. Without idempotence it stays none.
struct producer_identity {
  producer_id id = no_producer_id;
  producer_epoch epoch = no_producer_epoch;

  friend bool operator==(const producer_identity&, const producer_identity&) = default;
};

/// Who wants to know about a record: the delivery handler with a tag, and the holder of an async.
struct report_to {
  std::uint64_t tag = 0;
  const promise<delivery>* waiting = nullptr;
};

/// Records of one partition that travel together: as they go over the wire, and who wants to know of each.
///
/// Under its lane's lock while it takes records, then the I/O thread's. It is used again and again, memory and all.
struct producer_batch {
  partition_lane* lane = nullptr;
  rt::time_point created_at;
  wire::batch_builder builder{0};
  std::int64_t base_timestamp_ms = -1;
  /// A tag and the timestamp's distance from the batch's first, for each record.
  std::vector<std::uint64_t> tags;
  std::vector<std::int32_t> timestamp_deltas;
  /// Those who hold an async, by index.
  std::vector<std::pair<std::int32_t, promise<delivery>>> waiting;

  /// What it counts for in `buffer.memory`.
  std::size_t charged_bytes = 0;
  /// Filled when the batch is sealed, and what it is filled from where there is a codec.
  shared_bytes bytes;
  shared_bytes compressed;
  producer_identity identity;
  std::int32_t base_sequence = -1;
  /// How many records of its lane were numbered before it: sequences wrap and begin anew, this doesn't.
  std::uint64_t order = 0;
  /// How often it has been sent.
  int attempts = 0;
  /// Its records have their reports already; it is only waited for.
  bool is_abandoned = false;
  /// The flush that waits for it; 0 for none.
  std::uint64_t flush_round = 0;
  producer_batch* next = nullptr;

  [[nodiscard]] std::int32_t count() const { return static_cast<std::int32_t>(tags.size()); }
  [[nodiscard]] std::int64_t timestamp_ms(std::size_t i) const { return base_timestamp_ms + timestamp_deltas[i]; }
};

using batch_ptr = std::unique_ptr<producer_batch>;

/// Batches in a row, linked through themselves, so that queueing takes no memory.
class batch_queue {
 public:
  batch_queue() = default;
  batch_queue(const batch_queue&) = delete;
  batch_queue& operator=(const batch_queue&) = delete;
  ~batch_queue() {
    while (!empty()) pop_front();
  }

  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] producer_batch* front() const { return first_; }

  void push_back(batch_ptr batch) {
    producer_batch* const added = batch.release();
    added->next = nullptr;
    (last_ != nullptr ? last_->next : first_) = added;
    last_ = added;
    ++size_;
  }
  void push_front(batch_ptr batch) {
    producer_batch* const added = batch.release();
    added->next = first_;
    first_ = added;
    if (last_ == nullptr) last_ = added;
    ++size_;
  }
  batch_ptr pop_front() {
    producer_batch* const taken = std::exchange(first_, first_->next);
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    return batch_ptr(taken);
  }
  /// Before the first that was numbered after it.
  void insert_by_order(batch_ptr batch);
  void append(batch_queue& other) {
    while (!other.empty()) push_back(other.pop_front());
  }

 private:
  producer_batch* first_ = nullptr;
  producer_batch* last_ = nullptr;
  std::size_t size_ = 0;
};

/// `buffer.memory`: how much batches may take, counted without a lock. Any thread.
class memory_budget {
 public:
  explicit memory_budget(std::size_t limit) : limit_(limit) {}

  /// Takes it if it is there. What is larger than everything is given when nothing is taken.
  [[nodiscard]] bool try_take(std::size_t bytes);
  /// Takes it in any case: for what is there already.
  void take(std::size_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  void give_back(std::size_t bytes);
  /// While it lives, somebody waits, and `is_exhausted` says so.
  class waiter {
   public:
    explicit waiter(memory_budget& of) : of_(of) { of_.waiters_.fetch_add(1); }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    ~waiter() { of_.waiters_.fetch_sub(1); }

   private:
    memory_budget& of_;
  };
  /// Waits, with a `waiter` at hand, until `bytes` may be there, or `until`; false if the time is up.
  bool wait(std::size_t bytes, std::chrono::steady_clock::time_point until);
  /// Nobody waits any more from now on.
  void stop_waiting();

  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  /// Whether somebody waits: then nothing lingers.
  [[nodiscard]] bool is_exhausted() const { return waiters_.load() > 0; }

 private:
  [[nodiscard]] bool has_room(std::size_t bytes) const;

  const std::size_t limit_;
  std::atomic<std::size_t> used_ = 0;
  std::atomic<int> waiters_ = 0;
  std::mutex mutex_;
  std::condition_variable freed_;
  bool stopped_ = false;
};

/// Batches that aren't used at present, with their memory. Any thread.
class batch_pool {
 public:
  explicit batch_pool(std::size_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}

  [[nodiscard]] batch_ptr take();
  /// `bytes_max`: a batch that grew larger gives its memory back.
  void put(batch_ptr batch, std::size_t bytes_max);

 private:
  const std::size_t kept_bytes_max_;
  std::mutex mutex_;
  batch_queue free_;
  std::size_t kept_bytes_ = 0;
};

/// What the broker, or the way to it, said to a batch.
struct batch_outcome {
  moldau::error error;
  moldau::offset base_offset = no_offset;
  std::int64_t log_append_time_ms = -1;
};

/// A batch whose fate is known.
struct finished_batch {
  batch_ptr batch;
  batch_outcome outcome;
};

}  // namespace moldau::client
