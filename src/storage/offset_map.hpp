#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"

namespace moldau::storage {

/// Each key's last offset, for compaction: 24 bytes an entry, the key kept as a seeded 128-bit hash. Grows as it must
/// up to a bound. Not thread safe.
class offset_map {
 public:
  /// `limit_bytes` and how full the table may get (`log.cleaner.dedupe.buffer.size`, `.io.buffer.load.factor`).
  offset_map(std::uint64_t limit_bytes, double load_factor, std::uint64_t seed);

  /// False, with nothing taken, once the bound has been met.
  [[nodiscard]] bool put(bytes_view key, offset at);
  /// The last offset put for the key.
  [[nodiscard]] std::optional<offset> get(bytes_view key) const;
  [[nodiscard]] std::size_t size() const { return used_; }

 private:
  struct slot {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    /// -1: free.
    std::int64_t at = -1;
  };
  struct hashed {
    std::uint64_t high;
    std::uint64_t low;
  };

  [[nodiscard]] hashed hash(bytes_view key) const;
  [[nodiscard]] std::size_t place_of(const hashed& key) const;
  bool grow();

  std::uint64_t seed_;
  std::size_t slots_max_;
  double load_;
  std::vector<slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace moldau::storage
