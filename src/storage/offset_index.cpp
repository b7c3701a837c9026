#include "storage/offset_index.hpp"

#include <algorithm>
#include <array>

#include "bytes/endian.hpp"

namespace moldau::storage {

result<void> read_exactly(rt::file& from, access how, std::uint64_t position, mutable_bytes into) {
  MOLDAU_TRY_ASSIGN(const std::size_t got,
                    how == access::resident ? from.read_resident(position, into) : from.read_at(position, into));
  if (got == into.size()) return {};
  // A resident read that comes short may have met a page that isn't there.
  if (how == access::resident) return fail(errc::would_block);
  return fail(errc::malformed, "a file ends before what it should hold");
}

offset_index offset_index::parse(bytes_view content, offset base, std::uint64_t log_size) {
  offset_index out(base);
  const std::size_t count = content.size() / entry_size;
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* at = content.data() + i * entry_size;
    const entry next{.relative = bytes::load_be<std::uint32_t>(at), .position = bytes::load_be<std::uint32_t>(at + 4)};
    const entry last = out.entries_.empty() ? entry{} : out.entries_.back();
    if (next.position <= last.position || next.position >= log_size) break;
    if (!out.entries_.empty() && next.relative <= last.relative) break;
    out.entries_.push_back(next);
  }
  return out;
}

void offset_index::append(offset last, std::uint32_t position) {
  entries_.push_back({.relative = static_cast<std::uint32_t>(last - base_), .position = position});
}

offset_position offset_index::floor(offset at) const {
  const std::int64_t relative = at - base_;
  auto above =
      std::ranges::upper_bound(entries_, relative, {}, [](const entry& e) { return std::int64_t{e.relative}; });
  if (above == entries_.begin()) return {.offset = base_, .position = 0};
  --above;
  return {.offset = base_ + above->relative, .position = above->position};
}

offset_position offset_index::back() const {
  if (entries_.empty()) return {.offset = base_, .position = 0};
  return {.offset = base_ + entries_.back().relative, .position = entries_.back().position};
}

void offset_index::truncate(offset last, std::uint64_t position) {
  while (!entries_.empty() && (entries_.back().position >= position || base_ + entries_.back().relative > last)) {
    entries_.pop_back();
  }
}

std::vector<std::byte> offset_index::encode(std::size_t first) const {
  std::vector<std::byte> out((entries_.size() - first) * entry_size);
  std::byte* to = out.data();
  for (std::size_t i = first; i < entries_.size(); ++i, to += entry_size) {
    bytes::store_be(to, entries_[i].relative);
    bytes::store_be(to + 4, entries_[i].position);
  }
  return out;
}

result<offset_position> floor_in_file(rt::file& index, access how, std::uint64_t size, offset base, offset at) {
  const std::int64_t target = at - base;
  std::array<std::byte, offset_index::entry_size> raw{};
  offset_position best{.offset = base, .position = 0};
  std::uint64_t low = 0;
  std::uint64_t high = size / offset_index::entry_size;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    MOLDAU_TRY(read_exactly(index, how, middle * offset_index::entry_size, raw));
    const std::int64_t relative = bytes::load_be<std::uint32_t>(raw.data());
    const auto position = bytes::load_be<std::uint32_t>(raw.data() + 4);
    // Zeros past the first entry are the tail that was never filled.
    if (relative > target || (middle > 0 && position == 0)) {
      high = middle;
    } else {
      best = {.offset = base + relative, .position = position};
      low = middle + 1;
    }
  }
  return best;
}

}  // namespace moldau::storage
