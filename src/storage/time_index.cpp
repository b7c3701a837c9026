#include "storage/time_index.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "bytes/endian.hpp"

namespace moldau::storage {

time_index time_index::parse(bytes_view content, offset base, offset log_end) {
  time_index out(base);
  const std::size_t count = content.size() / entry_size;
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* at = content.data() + i * entry_size;
    const entry next{.timestamp_ms = bytes::load_be<std::int64_t>(at),
                     .relative = bytes::load_be<std::uint32_t>(at + 8)};
    if (base + next.relative >= log_end) break;
    if (out.entries_.empty()) {
      if (next.timestamp_ms < 0 || (next.timestamp_ms == 0 && next.relative == 0 && count > 1)) break;
    } else if (next.timestamp_ms <= out.entries_.back().timestamp_ms || next.relative < out.entries_.back().relative) {
      break;
    }
    out.entries_.push_back(next);
  }
  return out;
}

void time_index::maybe_append(const time_position& next) {
  if (next.timestamp_ms < 0 || (!entries_.empty() && next.timestamp_ms <= entries_.back().timestamp_ms)) return;
  entries_.push_back({.timestamp_ms = next.timestamp_ms, .relative = static_cast<std::uint32_t>(next.offset - base_)});
}

time_position time_index::floor(std::int64_t timestamp_ms) const {
  auto above = std::ranges::upper_bound(entries_, timestamp_ms, {}, &entry::timestamp_ms);
  if (above == entries_.begin()) return {.timestamp_ms = -1, .offset = base_};
  --above;
  return {.timestamp_ms = above->timestamp_ms, .offset = base_ + above->relative};
}

time_position time_index::back() const {
  return floor(std::numeric_limits<std::int64_t>::max());
}

void time_index::truncate(offset last) {
  while (!entries_.empty() && base_ + entries_.back().relative > last) entries_.pop_back();
}

std::vector<std::byte> time_index::encode(std::size_t first) const {
  std::vector<std::byte> out((entries_.size() - first) * entry_size);
  std::byte* to = out.data();
  for (std::size_t i = first; i < entries_.size(); ++i, to += entry_size) {
    bytes::store_be(to, entries_[i].timestamp_ms);
    bytes::store_be(to + 8, entries_[i].relative);
  }
  return out;
}

result<time_position> time_floor_in_file(rt::file& index, access how, std::uint64_t size, offset base,
                                         std::int64_t timestamp_ms) {
  std::array<std::byte, time_index::entry_size> raw{};
  time_position best{.timestamp_ms = -1, .offset = base};
  std::uint64_t low = 0;
  std::uint64_t high = size / time_index::entry_size;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    MOLDAU_TRY(read_exactly(index, how, middle * time_index::entry_size, raw));
    const auto time = bytes::load_be<std::int64_t>(raw.data());
    const auto relative = bytes::load_be<std::uint32_t>(raw.data() + 8);
    const bool unfilled = middle > 0 && time == 0 && relative == 0;
    if (time > timestamp_ms || unfilled) {
      high = middle;
    } else {
      best = {.timestamp_ms = time, .offset = base + relative};
      low = middle + 1;
    }
  }
  return best;
}

}  // namespace moldau::storage
