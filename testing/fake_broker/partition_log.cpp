#include "testing/fake_broker/partition_log.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "wire/batch_builder.hpp"
#include "wire/record_batch.hpp"
#include "wire/record_control.hpp"
#include "wire/record_reader.hpp"

namespace moldau::testing::fake {
namespace {

/// How many batches of a producer are remembered, as in Kafka.
constexpr std::size_t remembered_batches = 5;

std::optional<std::string> text_of(const std::optional<bytes_view>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

std::optional<bytes_view> view_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return as_bytes(*text);
}

}  // namespace

appended partition_log::append(bytes_view records, std::size_t batch_bytes_max) {
  const auto first = wire::first_batch(records);
  if (!first) return {.code = errc::corrupt_message};
  if (first->size_bytes() != records.size()) return {.code = errc::invalid_record};
  if (first->is_legacy()) return {.code = errc::unsupported_for_message_format};
  if (!first->is_crc_ok()) return {.code = errc::corrupt_message};
  if (records.size() > batch_bytes_max) return {.code = errc::message_too_large};
  const wire::batch_header header = first->header();
  if (header.record_count <= 0 || header.record_count != header.last_offset_delta + 1) {
    return {.code = errc::invalid_record};
  }
  wire::codec_context codecs;
  auto reader = wire::record_reader::open(*first, codecs);
  if (!reader) return {.code = reader.error().code};
  record_view one;
  for (bool more = true; more;) {
    const auto next = reader->next(one);
    if (!next) return {.code = next.error().code};
    more = *next;
  }

  if (header.has_producer_id()) {
    producer& from = producers_[header.producer_id];
    if (header.producer_epoch < from.epoch) return {.code = errc::invalid_producer_epoch};
    const bool known = from.epoch != no_producer_epoch;
    if (header.producer_epoch == from.epoch) {
      for (const appended_batch& before : from.last) {
        if (before.first_sequence == header.base_sequence && before.last_sequence == header.last_sequence()) {
          return {.base = before.base};
        }
      }
      if (!from.last.empty() && header.base_sequence != wire::advance_sequence(from.last.back().last_sequence, 1)) {
        return {.code = errc::out_of_order_sequence_number};
      }
    } else {
      // A new epoch begins at 0; who isn't known at all may have been forgotten, and goes on where it was.
      if (known && header.base_sequence != 0) return {.code = errc::out_of_order_sequence_number};
      from.last.clear();
    }
    from.epoch = header.producer_epoch;
    from.last.push_back(
        {.first_sequence = header.base_sequence, .last_sequence = header.last_sequence(), .base = end_});
    if (from.last.size() > remembered_batches) from.last.pop_front();
  }
  const offset base = end_;
  add(shared_bytes::copy_of(records));
  return {.base = base};
}

result<offset> partition_log::append(const fake_record& record, std::int64_t now_ms) {
  if (record.is_transactional && record.producer_id == no_producer_id) {
    return fail(errc::invalid_argument, "a transactional record has a producer");
  }
  wire::batch_builder builder;
  builder.begin({.producer_id = record.producer_id,
                 .producer_epoch = record.producer_epoch,
                 .is_transactional = record.is_transactional});
  std::vector<header_view> headers;
  for (const auto& [key, value] : record.headers) headers.push_back({key, view_of(value)});
  MOLDAU_TRY(builder.append(record.timestamp_ms < 0 ? now_ms : record.timestamp_ms, view_of(record.key),
                            view_of(record.value), headers));
  wire::codec_context codecs;
  MOLDAU_TRY_ASSIGN(shared_bytes bytes, builder.finish(codecs));
  const offset base = end_;
  if (record.is_transactional) open_.try_emplace(record.producer_id, base);
  add(std::move(bytes));
  return base;
}

result<void> partition_log::end_transaction(producer_id of, bool commit, std::int64_t now_ms) {
  const auto open = open_.find(of);
  if (open == open_.end()) {
    return fail(errc::invalid_txn_state, "the producer has no open transaction in this partition");
  }
  const auto type = commit ? wire::control_record_type::commit : wire::control_record_type::abort;
  wire::batch_builder builder;
  wire::codec_context codecs;
  MOLDAU_TRY_ASSIGN(shared_bytes bytes,
                    wire::end_txn_batch({.type = type}, of, producer_epoch(0), now_ms, builder, codecs));
  if (!commit) aborted_.push_back({.of = of, .first = open->second, .last = end_});
  open_.erase(open);
  add(std::move(bytes));
  return {};
}

offset partition_log::last_stable() const {
  offset out = end_;
  for (const auto& [of, first] : open_) out = std::min(out, first);
  return out;
}

std::int64_t partition_log::size_bytes() const {
  std::int64_t out = 0;
  for (const batch& one : batches_) out += static_cast<std::int64_t>(one.bytes.size());
  return out;
}

std::vector<partition_log::aborted_transaction> partition_log::aborted(offset from, offset before) const {
  std::vector<aborted_transaction> out;
  std::ranges::copy_if(aborted_, std::back_inserter(out),
                       [&](const aborted_transaction& one) { return one.last >= from && one.first < before; });
  return out;
}

void partition_log::add(shared_bytes bytes) {
  wire::set_base_offset(bytes.writable(), end_);
  wire::set_leader_epoch(bytes.writable(), epoch_);
  const wire::batch_view view(bytes);
  epochs_.try_emplace(epoch_, end_);
  batches_.push_back({.bytes = bytes, .base = end_, .last = view.last_offset(), .epoch = epoch_});
  end_ = view.next_offset();
}

std::vector<std::byte> partition_log::read(offset from, offset before, std::size_t bytes_max, bool at_least_one) const {
  std::vector<std::byte> out;
  for (const batch& one : batches_) {
    if (one.last < from) continue;
    if (one.base >= before) break;
    const bool fits = out.size() + one.bytes.size() <= bytes_max;
    if (!fits && (!out.empty() || !at_least_one)) break;
    out.insert(out.end(), one.bytes.data(), one.bytes.data() + one.bytes.size());
  }
  return out;
}

template <typename Visit>
void partition_log::each_record(Visit visit) const {
  wire::codec_context codecs;
  for (const batch& one : batches_) {
    const wire::batch_view view(one.bytes);
    if (view.is_control()) continue;
    auto reader = wire::record_reader::open(view, codecs);
    record_view record;
    while (reader) {
      const auto next = reader->next(record);
      if (!next || !*next) break;
      if (record.offset >= start_) visit(view, record);
    }
  }
}

std::vector<fake_record> partition_log::records() const {
  std::vector<fake_record> out;
  each_record([&](const wire::batch_view& in, const record_view& record) {
    fake_record& to = out.emplace_back();
    to.offset = record.offset;
    to.timestamp_ms = record.timestamp_ms;
    to.key = text_of(record.key);
    to.value = text_of(record.value);
    for (const header_view& header : record.headers) to.headers.emplace_back(header.key, text_of(header.value));
    to.producer_id = in.producer_id();
    to.producer_epoch = in.producer_epoch();
    to.is_transactional = in.attributes().is_transactional();
  });
  return out;
}

void partition_log::delete_before(offset before) {
  start_ = std::clamp(before, start_, end_);
  while (!batches_.empty() && batches_.front().last < start_) batches_.pop_front();
}

void partition_log::truncate(offset to) {
  while (!batches_.empty() && batches_.back().last >= to) {
    end_ = batches_.back().base;
    batches_.pop_back();
  }
  start_ = std::min(start_, end_);
  std::erase_if(epochs_, [&](const auto& epoch) { return epoch.second >= end_; });
  std::erase_if(open_, [&](const auto& one) { return one.second >= end_; });
  // One whose marker has gone is open again.
  std::erase_if(aborted_, [&](const aborted_transaction& one) {
    if (one.last >= end_ && one.first < end_) open_.try_emplace(one.of, one.first);
    return one.last >= end_;
  });
  for (auto& [id, from] : producers_) {
    std::erase_if(from.last, [&](const appended_batch& one) { return one.base >= end_; });
  }
}

partition_log::found partition_log::at_time(std::int64_t timestamp_ms) const {
  found out;
  each_record([&](const wire::batch_view& in, const record_view& record) {
    if (out.at == no_offset && record.timestamp_ms >= timestamp_ms) {
      out = {.at = record.offset, .timestamp_ms = record.timestamp_ms, .epoch = in.leader_epoch()};
    }
  });
  return out;
}

partition_log::found partition_log::max_timestamp() const {
  found out;
  each_record([&](const wire::batch_view& in, const record_view& record) {
    if (out.at == no_offset || record.timestamp_ms > out.timestamp_ms) {
      out = {.at = record.offset, .timestamp_ms = record.timestamp_ms, .epoch = in.leader_epoch()};
    }
  });
  return out;
}

std::pair<leader_epoch, offset> partition_log::end_of(leader_epoch epoch) const {
  if (epoch == epoch_) return {epoch_, end_};
  const auto next = epochs_.upper_bound(epoch);
  if (next == epochs_.begin()) return {no_leader_epoch, no_offset};
  return {std::prev(next)->first, next == epochs_.end() ? end_ : next->second};
}

}  // namespace moldau::testing::fake
