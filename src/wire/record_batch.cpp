#include "wire/record_batch.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "bytes/crc32c.hpp"

namespace moldau::wire {
namespace {

using bytes::load_be;
using bytes::store_be;

/// CRC-32 of zip and of Kafka's old formats.
std::uint32_t legacy_crc(bytes_view data) {
  return static_cast<std::uint32_t>(
      crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

std::size_t least_size(std::int8_t magic) {
  switch (magic) {
    case magic_v0:
      return legacy_layout::min_size_v0;
    case magic_v1:
      return legacy_layout::min_size_v1;
    default:
      return batch_layout::header_size;
  }
}

}  // namespace

result<batch_header> batch_header::decode(bytes_view bytes) {
  if (bytes.size() < batch_layout::header_size) {
    return fail(errc::corrupt_message,
                fmt::format("a batch's header takes {} bytes, there are {}", batch_layout::header_size, bytes.size()));
  }
  MOLDAU_TRY(batch_size(bytes));
  const batch_view view(bytes);
  if (view.is_legacy()) {
    return fail(errc::corrupt_message, fmt::format("expected a batch of magic 2, found magic {}", view.magic()));
  }
  return view.header();
}

void batch_header::encode(std::byte* to) const {
  store_be(to + batch_layout::base_offset, base_offset.value());
  store_be(to + batch_layout::length, length);
  store_be(to + batch_layout::leader_epoch, leader_epoch.value());
  store_be(to + batch_layout::magic, magic);
  store_be(to + batch_layout::crc, crc);
  store_be(to + batch_layout::attributes, attributes.bits);
  store_be(to + batch_layout::last_offset_delta, last_offset_delta);
  store_be(to + batch_layout::base_timestamp, base_timestamp_ms);
  store_be(to + batch_layout::max_timestamp, max_timestamp_ms);
  store_be(to + batch_layout::producer_id, producer_id.value());
  store_be(to + batch_layout::producer_epoch, producer_epoch.value());
  store_be(to + batch_layout::base_sequence, base_sequence);
  store_be(to + batch_layout::record_count, record_count);
}

result<std::size_t> batch_size(bytes_view prefix) {
  if (prefix.size() < batch_layout::prefix_size) {
    return fail(errc::corrupt_message,
                fmt::format("a batch takes {} bytes at least, there are {}", batch_layout::prefix_size, prefix.size()));
  }
  const auto magic = load_be<std::int8_t>(prefix.data() + batch_layout::magic);
  if (magic < magic_v0 || magic > magic_v2) {
    return fail(errc::corrupt_message, fmt::format("no batch has the magic {}", magic));
  }
  const auto length = load_be<std::int32_t>(prefix.data() + batch_layout::length);
  if (length < 0 || static_cast<std::size_t>(length) + batch_layout::log_overhead < least_size(magic)) {
    return fail(errc::corrupt_message, fmt::format("a batch of magic {} can't have the length {}", magic, length));
  }
  return static_cast<std::size_t>(length) + batch_layout::log_overhead;
}

std::uint32_t batch_view::computed_crc() const {
  return is_legacy() ? legacy_crc(bytes_.subspan(legacy_layout::magic))
                     : bytes::crc32c(bytes_.subspan(batch_layout::attributes));
}

batch_header batch_view::header() const {
  return {.base_offset = base_offset(),
          .length = load<std::int32_t>(batch_layout::length),
          .leader_epoch = leader_epoch(),
          .magic = magic(),
          .crc = crc(),
          .attributes = attributes(),
          .last_offset_delta = last_offset_delta(),
          .base_timestamp_ms = base_timestamp_ms(),
          .max_timestamp_ms = max_timestamp_ms(),
          .producer_id = producer_id(),
          .producer_epoch = producer_epoch(),
          .base_sequence = base_sequence(),
          .record_count = load<std::int32_t>(batch_layout::record_count)};
}

result<batch_view> first_batch(bytes_view bytes) {
  MOLDAU_TRY_ASSIGN(const std::size_t size, batch_size(bytes));
  if (size > bytes.size()) {
    return fail(errc::corrupt_message,
                fmt::format("the batch is cut short: it takes {} bytes, there are {}", size, bytes.size()));
  }
  return batch_view(bytes.first(size));
}

result<std::optional<batch_view>> batch_iterator::next() {
  if (rest_.size() < batch_layout::prefix_size) return std::nullopt;
  MOLDAU_TRY_ASSIGN(const std::size_t size, batch_size(rest_));
  if (size > rest_.size()) return std::nullopt;
  const batch_view out(rest_.first(size));
  rest_ = rest_.subspan(size);
  return out;
}

void set_base_offset(mutable_bytes batch, offset base) {
  store_be(batch.data() + batch_layout::base_offset, base.value());
}

void set_leader_epoch(mutable_bytes batch, leader_epoch epoch) {
  store_be(batch.data() + batch_layout::leader_epoch, epoch.value());
}

void set_max_timestamp(mutable_bytes batch, timestamp_type type, std::int64_t max_timestamp_ms) {
  const batch_view view(batch);
  if (view.timestamp_type() == type && view.max_timestamp_ms() == max_timestamp_ms) return;
  batch_attributes attributes = view.attributes();
  attributes.bits = static_cast<std::int16_t>(type == timestamp_type::log_append_time
                                                  ? attributes.bits | batch_attributes::log_append_time
                                                  : attributes.bits & ~batch_attributes::log_append_time);
  store_be(batch.data() + batch_layout::attributes, attributes.bits);
  store_be(batch.data() + batch_layout::max_timestamp, max_timestamp_ms);
  update_crc(batch);
}

void set_producer(mutable_bytes batch, producer_id id, producer_epoch epoch, std::int32_t base_sequence,
                  bool is_transactional) {
  batch_attributes attributes = batch_view(batch).attributes();
  attributes.bits = static_cast<std::int16_t>(is_transactional ? attributes.bits | batch_attributes::transactional
                                                               : attributes.bits & ~batch_attributes::transactional);
  store_be(batch.data() + batch_layout::attributes, attributes.bits);
  store_be(batch.data() + batch_layout::producer_id, id.value());
  store_be(batch.data() + batch_layout::producer_epoch, epoch.value());
  store_be(batch.data() + batch_layout::base_sequence, base_sequence);
  update_crc(batch);
}

void update_crc(mutable_bytes batch) {
  store_be(batch.data() + batch_layout::crc, batch_view(batch).computed_crc());
}

}  // namespace moldau::wire
