#include <algorithm>
#include <limits>

#include "client/accumulator.hpp"

namespace moldau::client {

namespace {

/// What a lane's first batch is given.
constexpr std::size_t first_bytes = 4096;

std::int64_t ns(rt::time_point at) {
  return std::max<std::int64_t>(1, at.time_since_epoch().count());
}

/// Room for a batch like the last ones and a little more, in steps so that memory fits again.
std::size_t rounded(std::size_t bytes) {
  constexpr std::size_t step = 1024;
  return (bytes + step - 1) / step * step;
}

}  // namespace

partition_lane& accumulator::add_lane(std::string_view topic, partition_id partition) {
  lanes_.push_back(std::make_unique<partition_lane>(topic, partition));
  lanes_.back()->in_flight_.reserve(options_.in_flight_max);
  lanes_.back()->is_shut_ = is_shut_;
  return *lanes_.back();
}

result<accumulator::appended> accumulator::append(partition_lane& to, const record& what, const report_to& report,
                                                  const clock& time, source from) {
  const std::size_t more = wire::batch_builder::record_bytes_max(what.key, what.value, what.headers);
  bool has_closed = false;
  bool has_opened = false;
  rt::time_point begun;
  {
    const std::lock_guard held(to.mutex_);
    if (to.is_shut_ && from == source::caller) return fail(errc::closed, "the producer has been closed");
    if (to.open_) {
      const std::int64_t delta = what.timestamp_ms - to.open_->base_timestamp_ms;
      const bool fits_time =
          delta >= std::numeric_limits<std::int32_t>::min() && delta <= std::numeric_limits<std::int32_t>::max();
      if (!fits_time || to.open_->builder.uncompressed_bytes() + more > options_.batch_bytes ||
          !make_room(to, more, from)) {
        close_batch(to);
        has_closed = true;
      }
    }
    if (!to.open_) {
      if (!open_batch(to, more, time.now(), from)) {
        // Whoever waits for memory wakes the I/O thread, which must hear of what was closed.
        if (has_closed) static_cast<void>(must_wake(to, rt::time_point::max()));
        return fail(errc::would_block);
      }
      to.open_->base_timestamp_ms = what.timestamp_ms;
      has_opened = true;
    }
    producer_batch& batch = *to.open_;
    if (auto added = batch.builder.append(what.timestamp_ms, what.key, what.value, what.headers); !added) {
      return std::unexpected(std::move(added).error());
    }
    if (report.waiting != nullptr) batch.waiting.emplace_back(batch.count(), *report.waiting);
    batch.tags.push_back(report.tag);
    batch.timestamp_deltas.push_back(static_cast<std::int32_t>(what.timestamp_ms - batch.base_timestamp_ms));
    if (has_opened) {
      begun = batch.created_at;
      to.open_since_.store(ns(begun));
    }
    if (batch.builder.uncompressed_bytes() >= options_.batch_bytes) {
      close_batch(to);
      has_closed = true;
    }
  }
  const bool wakes =
      (has_closed || has_opened) && must_wake(to, has_closed ? rt::time_point::min() : begun + options_.linger);
  return wakes ? appended::wake : appended::quietly;
}

bool accumulator::open_batch(partition_lane& lane, std::size_t record_bytes, rt::time_point now, source from) {
  const std::size_t needed = wire::batch_layout::header_size + record_bytes;
  std::size_t wanted = std::max(lane.usual_bytes_, std::min(first_bytes, options_.batch_bytes));
  wanted = std::max(needed, std::min(rounded(wanted), options_.batch_bytes));
  if (!budget_.try_take(wanted)) {
    // A small one may still have room.
    wanted = needed;
    if (!budget_.try_take(wanted)) {
      if (from == source::caller) return false;
      budget_.take(wanted);
    }
  }
  batch_ptr batch = pool_.take();
  batch->lane = &lane;
  batch->created_at = now;
  batch->charged_bytes = wanted;
  batch->builder.begin({.compression = options_.compression});
  batch->builder.reserve(wanted);
  batch->tags.reserve(lane.usual_count_);
  batch->timestamp_deltas.reserve(lane.usual_count_);
  if (batch->builder.capacity() > wanted) {
    budget_.take(batch->builder.capacity() - wanted);
    batch->charged_bytes = batch->builder.capacity();
  }
  lane.open_ = std::move(batch);
  return true;
}

/// Lets the open batch grow for another record, within the budget.
bool accumulator::make_room(partition_lane& lane, std::size_t record_bytes, source from) {
  producer_batch& batch = *lane.open_;
  const std::size_t have = batch.builder.capacity();
  const std::size_t needed = batch.builder.uncompressed_bytes() + record_bytes;
  if (needed <= have) return true;
  const std::size_t wanted = std::max(needed, std::min(2 * have, options_.batch_bytes));
  if (!budget_.try_take(wanted - have)) {
    if (from == source::caller) return false;
    budget_.take(wanted - have);
  }
  batch.charged_bytes += wanted - have;
  batch.builder.reserve(wanted);
  return true;
}

void accumulator::close_batch(partition_lane& lane) {
  const std::size_t bytes = lane.open_->builder.uncompressed_bytes();
  const std::size_t count = lane.open_->tags.size();
  lane.usual_bytes_ = std::max(bytes, (lane.usual_bytes_ + bytes) / 2);
  lane.usual_count_ = std::max(count, (lane.usual_count_ + count) / 2);
  lane.closed_.push_back(std::move(lane.open_));
  lane.open_since_.store(0);
  lane.closed_count_.fetch_add(1);
  lane.queued_.fetch_add(1, std::memory_order_relaxed);
}

/// Tells the I/O thread of the lane; whether it must be woken to hear it in time. The news is put down before it is
/// looked whether anybody comes by, and the I/O thread does the two the other way round: one of them sees the other.
bool accumulator::must_wake(partition_lane& lane, rt::time_point deadline) {
  if (!lane.has_news_.exchange(true)) {
    partition_lane* before = news_.load();
    do {
      lane.next_with_news_ = before;
    } while (!news_.compare_exchange_weak(before, &lane));
  }
  return deadline.time_since_epoch().count() < looks_at_.load();
}

void accumulator::uncharge(producer_batch& batch) {
  budget_.give_back(std::exchange(batch.charged_bytes, 0));
}

void accumulator::recycle(batch_ptr batch) {
  uncharge(*batch);
  pool_.put(std::move(batch), options_.batch_bytes);
}

}  // namespace moldau::client
