#include <algorithm>
#include <utility>

#include "bytes/crc32c.hpp"
#include "bytes/endian.hpp"
#include "storage/producer_state.hpp"

namespace moldau::storage {

namespace {

/// `.snapshot`, version 1: version, CRC-32C of all that follows it, count, entries.
namespace layout {
constexpr std::int16_t version = 1;
constexpr std::size_t crc = 2;
constexpr std::size_t count = 6;
constexpr std::size_t entries = 10;

constexpr std::size_t producer_id = 0;
constexpr std::size_t epoch = 8;
constexpr std::size_t last_sequence = 10;
constexpr std::size_t last_offset = 14;
constexpr std::size_t offset_delta = 22;
constexpr std::size_t timestamp = 26;
constexpr std::size_t coordinator_epoch = 34;
constexpr std::size_t txn_first_offset = 38;
constexpr std::size_t entry_size = 46;
}  // namespace layout

}  // namespace

std::vector<std::byte> producer_state::encode_snapshot() const {
  std::vector<producer_id> ids;
  ids.reserve(producers_.size());
  for (const auto& one : producers_) ids.push_back(one.first);
  std::ranges::sort(ids);
  std::vector<std::byte> out(layout::entries + ids.size() * layout::entry_size);
  bytes::store_be(out.data(), layout::version);
  bytes::store_be(out.data() + layout::count, static_cast<std::int32_t>(ids.size()));
  std::byte* to = out.data() + layout::entries;
  for (const producer_id id : ids) {
    const producer& p = producers_.at(id);
    const batch_metadata last = p.batch_count == 0 ? batch_metadata{} : p.batches[p.batch_count - 1U];
    bytes::store_be(to + layout::producer_id, id.value());
    bytes::store_be(to + layout::epoch, p.epoch.value());
    bytes::store_be(to + layout::last_sequence, last.last_sequence);
    bytes::store_be(to + layout::last_offset, last.last_offset.value());
    bytes::store_be(to + layout::offset_delta, last.offset_delta);
    bytes::store_be(to + layout::timestamp, p.last_timestamp_ms);
    bytes::store_be(to + layout::coordinator_epoch, p.coordinator_epoch);
    bytes::store_be(to + layout::txn_first_offset, p.current_txn_first_offset.value());
    to += layout::entry_size;
  }
  bytes::store_be(out.data() + layout::crc, bytes::crc32c(bytes_view(out).subspan(layout::count)));
  return out;
}

result<void> producer_state::load_snapshot(bytes_view content, offset at, std::int64_t now_ms,
                                           std::int64_t expiration_ms) {
  if (content.size() < layout::entries) return fail(errc::malformed, "a producer snapshot is cut short");
  if (bytes::load_be<std::int16_t>(content.data()) != layout::version) {
    return fail(errc::malformed, "a producer snapshot has an unknown version");
  }
  if (bytes::load_be<std::uint32_t>(content.data() + layout::crc) != bytes::crc32c(content.subspan(layout::count))) {
    return fail(errc::malformed, "a producer snapshot's checksum is wrong");
  }
  const auto count = bytes::load_be<std::int32_t>(content.data() + layout::count);
  if (count < 0 || content.size() != layout::entries + static_cast<std::size_t>(count) * layout::entry_size) {
    return fail(errc::malformed, "a producer snapshot has another size than its count says");
  }
  producer_state out;
  out.map_end_ = at;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::byte* from = content.data() + layout::entries + static_cast<std::size_t>(i) * layout::entry_size;
    producer p;
    const producer_id id(bytes::load_be<std::int64_t>(from + layout::producer_id));
    p.epoch = producer_epoch(bytes::load_be<std::int16_t>(from + layout::epoch));
    p.last_timestamp_ms = bytes::load_be<std::int64_t>(from + layout::timestamp);
    p.coordinator_epoch = bytes::load_be<std::int32_t>(from + layout::coordinator_epoch);
    p.current_txn_first_offset = offset(bytes::load_be<std::int64_t>(from + layout::txn_first_offset));
    const batch_metadata last{.last_sequence = bytes::load_be<std::int32_t>(from + layout::last_sequence),
                              .last_offset = offset(bytes::load_be<std::int64_t>(from + layout::last_offset)),
                              .offset_delta = bytes::load_be<std::int32_t>(from + layout::offset_delta),
                              .timestamp_ms = p.last_timestamp_ms};
    // Only markers were seen of this producer.
    if (last.last_offset >= offset(0)) p.batches[p.batch_count++] = last;
    const bool open = p.current_txn_first_offset >= offset(0);
    if (!open && p.is_silent(now_ms, expiration_ms)) continue;
    // Twice would leave a transaction that nothing ends, and the last stable offset would stay where it begins.
    if (!out.producers_.try_emplace(id, p).second ||
        (open && !out.ongoing_.try_emplace(p.current_txn_first_offset, ongoing{.producer_id = id}).second)) {
      return fail(errc::malformed, "a producer snapshot holds a producer or a transaction twice");
    }
  }
  *this = std::move(out);
  return {};
}

}  // namespace moldau::storage
