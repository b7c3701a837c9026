#include "client/producer_batch.hpp"

namespace moldau::client {

void batch_queue::insert_by_order(batch_ptr batch) {
  producer_batch* const added = batch.release();
  producer_batch** place = &first_;
  while (*place != nullptr && (*place)->order < added->order) place = &(*place)->next;
  added->next = *place;
  *place = added;
  if (added->next == nullptr) last_ = added;
  ++size_;
}

bool memory_budget::has_room(std::size_t bytes) const {
  const std::size_t used = used_.load();
  return used == 0 || used + bytes <= limit_;
}

bool memory_budget::try_take(std::size_t bytes) {
  std::size_t used = used_.load(std::memory_order_relaxed);
  do {
    if (used != 0 && used + bytes > limit_) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

void memory_budget::give_back(std::size_t bytes) {
  if (bytes == 0) return;
  used_.fetch_sub(bytes);
  if (waiters_.load() == 0) return;
  // Whoever is about to wait either sees what was given back or is woken.
  {
    const std::lock_guard held(mutex_);
  }
  freed_.notify_all();
}

bool memory_budget::wait(std::size_t bytes, std::chrono::steady_clock::time_point until) {
  std::unique_lock held(mutex_);
  return freed_.wait_until(held, until, [&] { return stopped_ || has_room(bytes); });
}

void memory_budget::stop_waiting() {
  {
    const std::lock_guard held(mutex_);
    stopped_ = true;
  }
  freed_.notify_all();
}

batch_ptr batch_pool::take() {
  {
    const std::lock_guard held(mutex_);
    if (!free_.empty()) {
      batch_ptr out = free_.pop_front();
      kept_bytes_ -= out->builder.capacity();
      return out;
    }
  }
  return std::make_unique<producer_batch>();
}

void batch_pool::put(batch_ptr batch, std::size_t bytes_max) {
  batch->lane = nullptr;
  batch->tags.clear();
  batch->timestamp_deltas.clear();
  batch->waiting.clear();
  batch->bytes = {};
  batch->identity = {};
  batch->base_sequence = -1;
  batch->order = 0;
  batch->attempts = 0;
  batch->is_abandoned = false;
  batch->flush_round = 0;
  batch->charged_bytes = 0;
  if (batch->builder.capacity() > bytes_max) batch->builder.release();
  const std::lock_guard held(mutex_);
  if (kept_bytes_ + batch->builder.capacity() > kept_bytes_max_) return;
  kept_bytes_ += batch->builder.capacity();
  // The one that was used last is the one that the processor still knows.
  free_.push_front(std::move(batch));
}

}  // namespace moldau::client
