#pragma once

#include <cstdint>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "rt/file.hpp"
#include "storage/offset_index.hpp"

namespace moldau::storage {

/// The largest timestamp up to a place in the log, and the last offset of the batch that has it.
struct time_position {
  std::int64_t timestamp_ms = -1;
  moldau::offset offset = no_offset;

  friend bool operator==(const time_position&, const time_position&) = default;
};

/// The time index of one segment in memory: 12 bytes an entry, timestamps strictly ascending.
class time_index {
 public:
  static constexpr std::size_t entry_size = 12;

  explicit time_index(offset base) : base_(base) {}
  /// Takes a file's content up to where it stops ascending or names an offset at `log_end` or above.
  [[nodiscard]] static time_index parse(bytes_view content, offset base, offset log_end);

  /// Nothing unless it is later than the last entry.
  void maybe_append(const time_position& entry);
  /// The last entry whose timestamp isn't above; {-1, base} if there is none.
  [[nodiscard]] time_position floor(std::int64_t timestamp_ms) const;
  [[nodiscard]] time_position back() const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Drops entries above `last`.
  void truncate(offset last);
  [[nodiscard]] std::vector<std::byte> encode(std::size_t first = 0) const;

 private:
  struct entry {
    std::int64_t timestamp_ms = -1;
    std::uint32_t relative = 0;
  };
  offset base_;
  std::vector<entry> entries_;
};

/// The last entry of the file that isn't above `timestamp_ms`; {-1, base} if there is none.
[[nodiscard]] result<time_position> time_floor_in_file(rt::file& index, access how, std::uint64_t size, offset base,
                                                       std::int64_t timestamp_ms);

}  // namespace moldau::storage
