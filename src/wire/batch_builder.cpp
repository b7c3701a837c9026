#include "wire/batch_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "wire/record_varint.hpp"

namespace moldau::wire {
namespace {

constexpr std::size_t batch_bytes_most = std::numeric_limits<std::int32_t>::max();

std::size_t size_of(std::optional<bytes_view> field) {
  return field ? record_varint::size(static_cast<std::int32_t>(field->size())) + field->size()
               : record_varint::size(std::int32_t{-1});
}

std::size_t size_of(std::span<const header_view> headers) {
  std::size_t size = record_varint::size(static_cast<std::int32_t>(headers.size()));
  for (const header_view& header : headers) size += size_of(as_bytes(header.key)) + size_of(header.value);
  return size;
}

std::byte* write(std::byte* to, std::optional<bytes_view> field) {
  if (!field) return record_varint::write(to, std::int32_t{-1});
  to = record_varint::write(to, static_cast<std::int32_t>(field->size()));
  if (!field->empty()) std::memcpy(to, field->data(), field->size());
  return to + field->size();
}

/// Whether every length fits before any is computed with.
bool fits(std::optional<bytes_view> key, std::optional<bytes_view> value, std::span<const header_view> headers) {
  std::size_t total = headers.size();
  const auto add = [&total](std::size_t size) {
    total = size > batch_bytes_most ? batch_bytes_most + 1 : std::min(total + size, batch_bytes_most + 1);
  };
  if (key) add(key->size());
  if (value) add(value->size());
  for (const header_view& header : headers) {
    add(header.key.size());
    if (header.value) add(header.value->size());
  }
  return total <= batch_bytes_most;
}

}  // namespace

void batch_builder::begin(const batch_options& options) {
  options_ = options;
  size_ = batch_layout::header_size;
  next_offset_ = options.base_offset;
  count_ = 0;
  base_timestamp_ = options.delete_horizon_ms.value_or(no_timestamp);
  max_timestamp_ = no_timestamp;
}

result<void> batch_builder::append_at(offset at, std::int64_t timestamp_ms, std::optional<bytes_view> key,
                                      std::optional<bytes_view> value, std::span<const header_view> headers) {
  const std::int64_t delta = wrapping_sub(at.value(), options_.base_offset.value());
  if (at < next_offset_ || delta < 0 || delta > std::numeric_limits<std::int32_t>::max()) {
    return fail(errc::invalid_argument, fmt::format("offset {} can't follow in a batch that goes from {} to {}",
                                                    at.value(), options_.base_offset.value(), next_offset_.value()));
  }
  if (!fits(key, value, headers)) return fail(errc::message_too_large, "a record can't take more than 2 GiB");
  if (count_ == 0 && !options_.delete_horizon_ms) base_timestamp_ = timestamp_ms;
  const auto offset_delta = static_cast<std::int32_t>(delta);
  const std::int64_t timestamp_delta = wrapping_sub(timestamp_ms, base_timestamp_);

  const std::size_t body = 1 + record_varint::size(timestamp_delta) + record_varint::size(offset_delta) + size_of(key) +
                           size_of(value) + size_of(headers);
  if (body > batch_bytes_most) return fail(errc::message_too_large, "a record can't take more than 2 GiB");
  const std::size_t whole = record_varint::size(static_cast<std::int32_t>(body)) + body;
  if (size_ + whole > batch_bytes_most) return fail(errc::message_too_large, "a batch can't take more than 2 GiB");

  std::byte* to = room_for(whole);
  to = record_varint::write(to, static_cast<std::int32_t>(body));
  *to++ = std::byte{0};
  to = record_varint::write(to, timestamp_delta);
  to = record_varint::write(to, offset_delta);
  to = write(to, key);
  to = write(to, value);
  to = record_varint::write(to, static_cast<std::int32_t>(headers.size()));
  for (const header_view& header : headers) {
    to = write(to, as_bytes(header.key));
    to = write(to, header.value);
  }
  size_ += whole;
  ++count_;
  next_offset_ = offset(wrapping_add(at.value(), 1));
  max_timestamp_ = std::max(max_timestamp_, timestamp_ms);
  return {};
}

void batch_builder::set_producer(producer_id id, producer_epoch epoch, std::int32_t base_sequence) {
  options_.producer_id = id;
  options_.producer_epoch = epoch;
  options_.base_sequence = base_sequence;
}

std::size_t batch_builder::record_bytes_max(std::optional<bytes_view> key, std::optional<bytes_view> value,
                                            std::span<const header_view> headers) {
  constexpr std::size_t longest_varint32 = 5;
  constexpr std::size_t longest_varint64 = 10;
  return longest_varint32 + 1 + longest_varint64 + longest_varint32 + size_of(key) + size_of(value) + size_of(headers);
}

std::byte* batch_builder::room_for(std::size_t more) {
  const std::size_t needed = size_ + more;
  // A block that was handed out belongs to its reader until the last handle is gone.
  const bool is_shared = count_ == 0 && block_.use_count() > 1;
  if (is_shared || block_.size() < needed) {
    const bool grows = !is_shared && count_ > 0;
    shared_bytes larger = shared_bytes::allocate(
        std::max({needed, capacity_, grows ? std::min(block_.size() * 2, batch_bytes_most) : 0}));
    if (count_ > 0) std::memcpy(larger.writable().data(), block_.data(), size_);
    block_ = std::move(larger);
  }
  return block_.writable().data() + size_;
}

void batch_builder::reserve(std::size_t bytes) {
  const bool is_shared = count_ == 0 && block_.use_count() > 1;
  if (!is_shared && block_.size() >= bytes) return;
  shared_bytes larger = shared_bytes::allocate(std::max(bytes, size_));
  if (count_ > 0) std::memcpy(larger.writable().data(), block_.data(), size_);
  block_ = std::move(larger);
}

void batch_builder::release() {
  block_ = {};
  begin(options_);
}

result<void> batch_builder::check_last_offset() const {
  const std::int64_t last_delta = wrapping_sub(next_offset_.value(), options_.base_offset.value()) - 1;
  if (last_delta < -1 || last_delta > std::numeric_limits<std::int32_t>::max())
    return fail(errc::invalid_argument, "the batch's last offset lies too far from its first");
  return {};
}

result<shared_bytes> batch_builder::finish(codec_context& context) {
  MOLDAU_TRY(check_last_offset());
  if (count_ == 0) room_for(0);

  shared_bytes out;
  const codec type = count_ == 0 ? codec::none : options_.compression.type;
  if (type == codec::none) {
    // A block that is mostly empty isn't worth keeping alive for a small batch.
    out = size_ >= block_.size() / 2 ? block_.slice(0, size_) : shared_bytes::copy_of(block_.view().first(size_));
  } else {
    const std::size_t bound = compress_bound(type, records().size());
    if (compressed_.size() < bound) compressed_ = shared_bytes::allocate(bound);
    MOLDAU_TRY_ASSIGN(const std::size_t size,
                      compress(options_.compression, records(), compressed_.writable(), context));
    if (size + batch_layout::header_size > batch_bytes_most)
      return fail(errc::message_too_large, "a batch can't take more than 2 GiB");
    out = shared_bytes::allocate(batch_layout::header_size + size);
    std::memcpy(out.writable().data() + batch_layout::header_size, compressed_.data(), size);
  }
  write_header(out, type);
  begin(options_);
  return out;
}

result<shared_bytes> batch_builder::finish_kept(codec_context& context, shared_bytes& spare) {
  MOLDAU_TRY(check_last_offset());
  if (count_ == 0) room_for(0);
  const codec type = count_ == 0 ? codec::none : options_.compression.type;
  shared_bytes out;
  if (type == codec::none) {
    out = block_.slice(0, size_);
  } else {
    const std::size_t bound = batch_layout::header_size + compress_bound(type, records().size());
    if (spare.size() < bound || spare.use_count() > 1) spare = shared_bytes::allocate(bound);
    MOLDAU_TRY_ASSIGN(const std::size_t size, compress(options_.compression, records(),
                                                       spare.writable().subspan(batch_layout::header_size), context));
    if (size + batch_layout::header_size > batch_bytes_most)
      return fail(errc::message_too_large, "a batch can't take more than 2 GiB");
    out = spare.slice(0, batch_layout::header_size + size);
  }
  write_header(out, type);
  return out;
}

/// Header and CRC of a batch whose records stand there already.
void batch_builder::write_header(shared_bytes& out, codec type) const {
  batch_attributes attributes{static_cast<std::int16_t>(type)};
  const auto flag = [&attributes](bool is_set, std::int16_t bit) {
    if (is_set) attributes.bits = static_cast<std::int16_t>(attributes.bits | bit);
  };
  const bool is_append_time = options_.timestamp_type == moldau::timestamp_type::log_append_time;
  flag(is_append_time, batch_attributes::log_append_time);
  flag(options_.is_transactional, batch_attributes::transactional);
  flag(options_.is_control, batch_attributes::control);
  flag(options_.delete_horizon_ms.has_value(), batch_attributes::delete_horizon);
  const std::int64_t last_delta = wrapping_sub(next_offset_.value(), options_.base_offset.value()) - 1;
  const batch_header header{.base_offset = options_.base_offset,
                            .length = static_cast<std::int32_t>(out.size() - batch_layout::log_overhead),
                            .leader_epoch = options_.leader_epoch,
                            .attributes = attributes,
                            .last_offset_delta = static_cast<std::int32_t>(last_delta),
                            .base_timestamp_ms = base_timestamp_,
                            .max_timestamp_ms = is_append_time ? options_.log_append_time_ms : max_timestamp_,
                            .producer_id = options_.producer_id,
                            .producer_epoch = options_.producer_epoch,
                            .base_sequence = options_.base_sequence,
                            .record_count = count_};
  header.encode(out.writable().data());
  update_crc(out.writable());
}

shared_bytes empty_batch(const batch_header& of) {
  batch_header header = of;
  header.length = static_cast<std::int32_t>(batch_layout::header_size - batch_layout::log_overhead);
  header.attributes.bits =
      static_cast<std::int16_t>(of.attributes.bits & (batch_attributes::log_append_time |
                                                      batch_attributes::transactional | batch_attributes::control));
  header.base_timestamp_ms = no_timestamp;
  header.record_count = 0;
  shared_bytes out = shared_bytes::allocate(batch_layout::header_size);
  header.encode(out.writable().data());
  update_crc(out.writable());
  return out;
}

}  // namespace moldau::wire
