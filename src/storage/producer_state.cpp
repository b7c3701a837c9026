#include "storage/producer_state.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bytes/crc32c.hpp"
#include "bytes/endian.hpp"
#include "wire/record_control.hpp"
#include "wire/record_reader.hpp"

namespace moldau::storage {

namespace {

/// The marker in a control batch; nothing in one that compaction has emptied or whose type is another's business.
result<std::optional<wire::end_txn_marker>> marker_of(const wire::batch_view& batch) {
  if (batch.compression() != wire::codec::none) return fail(errc::corrupt_message, "a compressed control batch");
  auto reader = wire::record_reader::over(batch.header(), batch.payload());
  record_view record;
  MOLDAU_TRY_ASSIGN(const bool any, reader.next(record));
  if (!any) return std::nullopt;
  MOLDAU_TRY_ASSIGN(const auto type, wire::decode_control_key(record.key));
  if (type != wire::control_record_type::abort && type != wire::control_record_type::commit) return std::nullopt;
  MOLDAU_TRY_ASSIGN(const auto marker, wire::end_txn_marker::decode(record));
  return marker;
}

bool follows(std::int32_t last, std::int32_t next) {
  return next == wire::advance_sequence(last, 1);
}

}  // namespace

std::int32_t producer_state::batch_metadata::first_sequence() const {
  // Sequence numbers wrap from the largest to 0.
  std::int64_t first = std::int64_t{last_sequence} - offset_delta;
  if (last_sequence >= 0 && first < 0) first += std::int64_t{1} << 31;
  return static_cast<std::int32_t>(first);
}

const producer_state::batch_metadata* producer_state::duplicate_of(const wire::batch_view& batch) const {
  if (batch.base_sequence() < 0) return nullptr;
  const auto it = producers_.find(batch.producer_id());
  if (it == producers_.end() || it->second.epoch != batch.producer_epoch()) return nullptr;
  const producer& p = it->second;
  for (std::size_t i = 0; i < p.batch_count; ++i) {
    const batch_metadata& known = p.batches[i];
    if (known.last_sequence == batch.last_sequence() && known.first_sequence() == batch.base_sequence()) return &known;
  }
  return nullptr;
}

result<void> producer_state::check(const wire::batch_view& batch, offset base, append_origin origin) const {
  if (origin == append_origin::replication || origin == append_origin::raft) return {};
  const auto it = producers_.find(batch.producer_id());
  if (it == producers_.end()) return {};
  const producer& p = it->second;
  if (batch.producer_epoch() < p.epoch) {
    return fail(
        errc::invalid_producer_epoch,
        fmt::format("producer {} writes at offset {} with epoch {}, but epoch {} has been seen",
                    batch.producer_id().value(), base.value(), batch.producer_epoch().value(), p.epoch.value()));
  }
  if (batch.is_control()) {
    MOLDAU_TRY_ASSIGN(const auto marker, marker_of(batch));
    if (marker && marker->coordinator_epoch < p.coordinator_epoch) {
      return fail(errc::transaction_coordinator_fenced,
                  fmt::format("a marker for producer {} comes from coordinator epoch {}, but {} has been seen",
                              batch.producer_id().value(), marker->coordinator_epoch, p.coordinator_epoch));
    }
    return {};
  }
  if (origin == append_origin::client) {
    const std::int32_t first = batch.base_sequence();
    if (batch.producer_epoch() != p.epoch) {
      if (first != 0 && p.epoch != no_producer_epoch) {
        return fail(errc::out_of_order_sequence_number,
                    fmt::format("producer {} begins epoch {} with sequence number {}, not 0",
                                batch.producer_id().value(), batch.producer_epoch().value(), first));
      }
    } else if (!follows(p.last_sequence(), first)) {
      return fail(errc::out_of_order_sequence_number,
                  fmt::format("producer {} sends sequence number {} after {}", batch.producer_id().value(), first,
                              p.last_sequence()));
    }
  }
  if (p.current_txn_first_offset != no_offset && !batch.is_transactional()) {
    return fail(errc::invalid_txn_state, fmt::format("producer {} has a transaction open and writes outside of it",
                                                     batch.producer_id().value()));
  }
  return {};
}

std::optional<completed_transaction> producer_state::update(const wire::batch_view& batch) {
  map_end_ = batch.next_offset();
  if (!batch.has_producer_id()) return std::nullopt;
  if (batch.is_control()) {
    const auto marker = marker_of(batch);
    if (!marker || !*marker) return std::nullopt;
    producer& p = producers_[batch.producer_id()];
    // An epoch's first marker makes room for it: what came before can't be a duplicate any more.
    if (batch.producer_epoch() != p.epoch) {
      p.batch_count = 0;
      p.epoch = batch.producer_epoch();
    }
    p.coordinator_epoch = (*marker)->coordinator_epoch;
    p.last_timestamp_ms = batch.max_timestamp_ms();
    const offset first = std::exchange(p.current_txn_first_offset, no_offset);
    if (first == no_offset) return std::nullopt;
    if (auto open = ongoing_.extract(first)) {
      open.mapped().last_offset = batch.base_offset();
      unreplicated_.insert(std::move(open));
    }
    return completed_transaction{.producer_id = batch.producer_id(),
                                 .first_offset = first,
                                 .last_offset = batch.base_offset(),
                                 .aborted = (*marker)->type == wire::control_record_type::abort};
  }
  producer& p = producers_[batch.producer_id()];
  if (batch.producer_epoch() != p.epoch) {
    p.batch_count = 0;
    p.epoch = batch.producer_epoch();
  }
  if (p.batch_count == batches_kept) {
    std::shift_left(p.batches.begin(), p.batches.end(), 1);
    --p.batch_count;
  }
  p.batches[p.batch_count++] = {.last_sequence = batch.last_sequence(),
                                .last_offset = batch.last_offset(),
                                .offset_delta = batch.last_offset_delta(),
                                .timestamp_ms = batch.max_timestamp_ms()};
  p.last_timestamp_ms = batch.max_timestamp_ms();
  if (batch.is_transactional() && p.current_txn_first_offset == no_offset) {
    p.current_txn_first_offset = batch.base_offset();
    ongoing_[batch.base_offset()] = {.producer_id = batch.producer_id(), .last_offset = no_offset};
  }
  return std::nullopt;
}

bool producer_state::lacks_batches(std::int64_t since_ms) const {
  return std::ranges::any_of(producers_, [&](const auto& one) {
    const producer& p = one.second;
    return p.batch_count == 1 && p.batches[0].first_sequence() > 0 && p.last_timestamp_ms >= since_ms;
  });
}

void producer_state::recall(const producer_state& earlier) {
  for (auto& [id, p] : producers_) {
    const producer* before = earlier.find(id);
    if (before == nullptr || before->epoch != p.epoch || p.batch_count != 1) continue;
    const batch_metadata last = p.batches[0];
    const auto end = before->batches.begin() + before->batch_count;
    const auto same = std::find_if(before->batches.begin(), end,
                                   [&](const batch_metadata& b) { return b.last_offset == last.last_offset; });
    if (same == end) continue;
    p.batch_count = static_cast<std::uint8_t>(same - before->batches.begin() + 1);
    std::copy(before->batches.begin(), same, p.batches.begin());
    p.batches[p.batch_count - 1U] = last;
  }
}

void producer_state::forget_completed_below(offset high_watermark) {
  std::erase_if(unreplicated_, [&](const auto& txn) { return txn.second.last_offset < high_watermark; });
}

std::optional<offset> producer_state::first_unstable_offset() const {
  std::optional<offset> first;
  if (!ongoing_.empty()) first = ongoing_.begin()->first;
  if (!unreplicated_.empty() && (!first || unreplicated_.begin()->first < *first)) {
    first = unreplicated_.begin()->first;
  }
  return first;
}

offset producer_state::last_stable_offset_after(const completed_transaction& done) const {
  for (const auto& [first, txn] : ongoing_) {
    if (txn.producer_id != done.producer_id) return first;
  }
  return done.last_offset + 1;
}

std::size_t producer_state::expire(std::int64_t now_ms, std::int64_t expiration_ms) {
  return std::erase_if(producers_, [&](const auto& one) {
    const producer& p = one.second;
    return p.current_txn_first_offset == no_offset && p.is_silent(now_ms, expiration_ms);
  });
}

void producer_state::on_log_start(offset log_start) {
  std::erase_if(unreplicated_, [&](const auto& txn) { return txn.second.last_offset < log_start; });
  if (map_end_ < log_start) map_end_ = log_start;
}

void producer_state::clear() {
  producers_.clear();
  ongoing_.clear();
  unreplicated_.clear();
  map_end_ = offset(0);
}

const producer_state::producer* producer_state::find(producer_id id) const {
  const auto it = producers_.find(id);
  return it == producers_.end() ? nullptr : &it->second;
}

std::vector<producer_description> producer_state::describe() const {
  std::vector<producer_description> out;
  out.reserve(producers_.size());
  for (const auto& [id, p] : producers_) {
    out.push_back({.producer_id = id,
                   .producer_epoch = p.epoch,
                   .last_sequence = p.last_sequence(),
                   .last_timestamp_ms = p.last_timestamp_ms,
                   .coordinator_epoch = p.coordinator_epoch,
                   .current_txn_start_offset = p.current_txn_first_offset});
  }
  std::ranges::sort(out, {}, &producer_description::producer_id);
  return out;
}

std::unordered_map<producer_id, offset> producer_state::last_offsets() const {
  std::unordered_map<producer_id, offset> out;
  for (const auto& [id, p] : producers_) {
    if (p.batch_count > 0) out[id] = p.last_offset();
  }
  return out;
}

}  // namespace moldau::storage
