#pragma once

#include <cstdint>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "rt/file.hpp"

namespace moldau::storage {

/// Whether a read may wait for the disk (on a worker) or fails with `would_block` instead (on the reactor).
enum class access : unsigned char { resident, blocking };

/// Reads exactly `into.size()` bytes. Errors: `would_block`, `io_error`; `malformed` if the file ends before.
[[nodiscard]] result<void> read_exactly(rt::file& from, access how, std::uint64_t position, mutable_bytes into);

/// A batch's last offset and where the batch begins in its segment.
struct offset_position {
  moldau::offset offset;
  std::uint32_t position = 0;

  friend bool operator==(const offset_position&, const offset_position&) = default;
};

/// The sparse index of one segment in memory: 8 bytes an entry, relative offset and position, both ascending.
/// Only the segment that is appended to has one; the others are searched in their file.
class offset_index {
 public:
  static constexpr std::size_t entry_size = 8;

  explicit offset_index(offset base) : base_(base) {}
  /// Takes a file's content; what doesn't ascend, or lies past `log_size`, ends it (Kafka's files have zeros at their
  /// end while they grow).
  [[nodiscard]] static offset_index parse(bytes_view content, offset base, std::uint64_t log_size);

  void append(offset last, std::uint32_t position);
  /// The last entry not above `at`; {base, 0} if there is none.
  [[nodiscard]] offset_position floor(offset at) const;
  [[nodiscard]] offset_position back() const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Drops entries above `last` or from `position` on.
  void truncate(offset last, std::uint64_t position);
  /// The bytes of the entries from `first` on.
  [[nodiscard]] std::vector<std::byte> encode(std::size_t first = 0) const;

 private:
  struct entry {
    std::uint32_t relative = 0;
    std::uint32_t position = 0;
  };
  offset base_;
  std::vector<entry> entries_;
};

/// `floor` in the file of a segment that is no longer appended to, which has `size` bytes.
[[nodiscard]] result<offset_position> floor_in_file(rt::file& index, access how, std::uint64_t size, offset base,
                                                    offset at);

}  // namespace moldau::storage
