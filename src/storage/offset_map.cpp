#include "storage/offset_map.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace moldau::storage {

namespace {
constexpr std::size_t first_slots = 1024;
}

offset_map::offset_map(std::uint64_t limit_bytes, double load_factor, std::uint64_t seed)
    : seed_(seed),
      slots_max_(std::max<std::size_t>(limit_bytes / sizeof(slot), 2)),
      load_(std::clamp(load_factor, 0.1, 0.95)),
      slots_(std::min(first_slots, slots_max_)) {}

offset_map::hashed offset_map::hash(bytes_view key) const {
  const XXH128_hash_t h = XXH3_128bits_withSeed(key.data(), key.size(), seed_);
  return {.high = h.high64, .low = h.low64};
}

std::size_t offset_map::place_of(const hashed& key) const {
  std::size_t at = key.low % slots_.size();
  while (slots_[at].at >= 0 && (slots_[at].high != key.high || slots_[at].low != key.low)) {
    if (++at == slots_.size()) at = 0;
  }
  return at;
}

bool offset_map::grow() {
  if (slots_.size() >= slots_max_) return false;
  std::vector<slot> old = std::exchange(slots_, std::vector<slot>(std::min(slots_.size() * 2, slots_max_)));
  for (const slot& one : old) {
    if (one.at >= 0) slots_[place_of({.high = one.high, .low = one.low})] = one;
  }
  return true;
}

bool offset_map::put(bytes_view key, offset at) {
  const hashed h = hash(key);
  std::size_t place = place_of(h);
  if (slots_[place].at < 0) {
    if (static_cast<double>(used_ + 1) > load_ * static_cast<double>(slots_.size())) {
      if (!grow()) return false;
      place = place_of(h);
    }
    ++used_;
  }
  slots_[place] = {.high = h.high, .low = h.low, .at = at.value()};
  return true;
}

std::optional<offset> offset_map::get(bytes_view key) const {
  const slot& one = slots_[place_of(hash(key))];
  return one.at < 0 ? std::nullopt : std::optional(offset(one.at));
}

}  // namespace moldau::storage
