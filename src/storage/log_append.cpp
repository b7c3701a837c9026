#include <fmt/format.h>

#include <limits>

#include "storage/log.hpp"
#include "storage/segment.hpp"
#include "wire/record_batch.hpp"

namespace moldau::storage {

namespace {
/// Positions in the offset index are signed 32 bits.
constexpr std::uint64_t largest_segment = std::numeric_limits<std::int32_t>::max();
}  // namespace

result<append_info> log::append_as_leader(shared_bytes batch, leader_epoch epoch, append_origin origin) {
  MOLDAU_TRY(usable());
  MOLDAU_TRY_ASSIGN(const wire::batch_view view, wire::first_batch(batch));
  if (view.size_bytes() != batch.size() || view.is_legacy() || view.last_offset_delta() < 0) {
    return fail(errc::invalid_record, "what is appended must be one record batch of magic 2");
  }
  if (batch.size() > options_.segment_bytes && origin == append_origin::client) {
    return fail(errc::record_list_too_large, fmt::format("a batch of {} bytes is larger than segment.bytes, {}",
                                                         batch.size(), options_.segment_bytes));
  }
  const bool checked = view.has_producer_id() && origin != append_origin::raft;
  if (checked) {
    if (const auto* known = origin == append_origin::client ? producers_.duplicate_of(view) : nullptr) {
      return append_info{.first_offset = known->first_offset(),
                         .last_offset = known->last_offset,
                         .max_timestamp_ms = known->timestamp_ms,
                         .log_append_time_ms = options_.log_append_time ? known->timestamp_ms : -1,
                         .duplicate = true};
    }
    MOLDAU_TRY(producers_.check(view, log_end_, origin));
  }

  append_info info{.first_offset = log_end_, .last_offset = log_end_ + view.last_offset_delta()};
  wire::set_base_offset(batch.writable(), info.first_offset);
  wire::set_leader_epoch(batch.writable(), epoch);
  if (options_.log_append_time) {
    info.log_append_time_ms = world_.wall_ms();
    wire::set_max_timestamp(batch.writable(), timestamp_type::log_append_time, info.log_append_time_ms);
  }
  info.max_timestamp_ms = view.max_timestamp_ms();

  if (must_roll(batch.size(), info.last_offset, info.max_timestamp_ms)) start_segment(log_end_);
  if (epochs_.assign(epoch, info.first_offset)) epochs_dirty_ = true;
  if (checked) {
    take_marker(producers_.update(view));
  } else {
    producers_.set_map_end(info.last_offset + 1);
  }
  enqueue(std::move(batch), info.first_offset, info.last_offset, info.max_timestamp_ms);
  return info;
}

result<append_info> log::append_as_follower(shared_bytes batches) {
  MOLDAU_TRY(usable());
  // All is checked before anything is taken, so that a bad fetch response changes nothing.
  offset next = log_end_;
  {
    wire::batch_iterator walk(batches);
    while (true) {
      MOLDAU_TRY_ASSIGN(const auto batch, walk.next());
      if (!batch) break;
      if (!batch->is_crc_ok()) return fail(errc::corrupt_message, "a fetched batch's checksum is wrong");
      if (batch->last_offset_delta() < 0) return fail(errc::corrupt_message, "a fetched batch's offsets descend");
      if (batch->base_offset() < next) {
        return fail(errc::offset_out_of_range,
                    fmt::format("a fetched batch begins at offset {}, the log of {} has come to {}",
                                batch->base_offset().value(), directory_, next.value()));
      }
      next = batch->next_offset();
    }
  }
  append_info info{.first_offset = no_offset, .last_offset = log_end_ - 1};
  wire::batch_iterator walk(batches);
  while (true) {
    MOLDAU_TRY_ASSIGN(const auto batch, walk.next());
    if (!batch) break;
    if (info.first_offset == no_offset) info.first_offset = batch->base_offset();
    info.last_offset = batch->last_offset();
    info.max_timestamp_ms = std::max(info.max_timestamp_ms, batch->max_timestamp_ms());
    if (must_roll(batch->size_bytes(), batch->last_offset(), batch->max_timestamp_ms())) {
      start_segment(batch->base_offset());
    }
    const auto latest = epochs_.latest();
    if (batch->leader_epoch() >= leader_epoch(0) && (!latest || batch->leader_epoch() != *latest) &&
        epochs_.assign(batch->leader_epoch(), batch->base_offset())) {
      epochs_dirty_ = true;
    }
    take_marker(producers_.update(*batch));
    enqueue(batches.slice(batch->bytes()), batch->base_offset(), batch->last_offset(), batch->max_timestamp_ms());
  }
  return info;
}

bool log::must_roll(std::size_t size, offset last, std::int64_t max_timestamp_ms) const {
  const segment& in = *active_;
  if (in.size == 0) return last - in.base > std::numeric_limits<std::int32_t>::max();
  if (in.size + size > std::min<std::uint64_t>(options_.segment_bytes, largest_segment)) return true;
  if (last - in.base > std::numeric_limits<std::int32_t>::max()) return true;
  if ((in.indexes->offsets.size() + 1) * offset_index::entry_size > options_.segment_index_bytes) return true;
  if ((in.indexes->times.size() + 2) * time_index::entry_size > options_.segment_index_bytes) return true;
  // By the records' own clock where they have one, as Kafka does.
  const std::int64_t since = in.first_timestamp_ms.value_or(-1);
  if (since < 0 || max_timestamp_ms < 0) {
    return world_.wall_ms() - in.modified_ms > options_.segment_ms - roll_jitter_ms_;
  }
  return max_timestamp_ms - since > options_.segment_ms - roll_jitter_ms_;
}

void log::start_segment(offset base) {
  segment& old = *active_;
  old.indexes->times.maybe_append(old.largest_time.value_or(time_position{}));
  producers_.set_map_end(base);
  old.pending_snapshot = producers_.encode_snapshot();
  old.pending_snapshot_at = base;
  rolled_.push_back(segments_.at(old.base));

  auto next = std::make_shared<segment>(directory_, base);
  next->indexes = std::make_unique<active_indexes>(base);
  next->modified_ms = world_.wall_ms();
  if (options_.preallocate) next->preallocate = options_.segment_bytes;
  active_ = next.get();
  // An empty write makes the files, on the worker that writes.
  queue_.push_back({.to = next, .position = 0, .bytes = {}});
  segments_.emplace(base, std::move(next));
  if (!std::exchange(finishing_, true)) background_.spawn(finish_rolled());
}

void log::take_marker(const std::optional<completed_transaction>& done) {
  if (!done || !done->aborted) return;
  active_->aborted.push_back({.producer_id = done->producer_id,
                              .first_offset = done->first_offset,
                              .last_offset = done->last_offset,
                              .last_stable_offset = producers_.last_stable_offset_after(*done)});
}

void log::enqueue(shared_bytes bytes, offset base, offset last, std::int64_t max_timestamp_ms) {
  segment& in = *active_;
  const std::uint64_t position = in.size;
  const std::uint64_t size = bytes.size();
  in.on_batch(position, size, last, max_timestamp_ms, options_.index_interval_bytes);
  in.size += size;
  in.modified_ms = world_.wall_ms();
  log_end_ = last + 1;
  tail_.push({.base = base, .last = last, .position = position, .segment_base = in.base, .bytes = bytes});
  queue_.push_back({.to = segments_.rbegin()->second, .position = position, .bytes = std::move(bytes)});
  sync_.mark_dirty(*this, size);
}

}  // namespace moldau::storage
