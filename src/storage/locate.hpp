#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "rt/file.hpp"
#include "storage/segment.hpp"

namespace moldau::storage {

/// Where to look for what in one segment; made on the log's core, answered there or on a worker.
struct locate_request {
  std::shared_ptr<segment> in;
  /// How much of the file is written.
  std::uint64_t limit = 0;
  offset from;
  /// Only batches wholly below.
  offset upper;
  /// The segment's own last offset is below this.
  offset segment_end;
  std::uint64_t max_bytes = 0;
  bool min_one_batch = true;
  /// From the index in memory, if the segment has it there; otherwise the index file is searched.
  std::optional<offset_position> from_floor;
  std::optional<offset_position> upper_floor;
};

struct located_range {
  std::shared_ptr<rt::file> file;
  std::uint64_t position = 0;
  /// 0: there are batches, but none that may be given.
  std::uint64_t size = 0;
};

/// Finds the bytes to read; nothing if the segment has no batch that reaches `from`.
/// Errors: `would_block` (`access::resident`), `io_error`, `not_found`, `corrupt_message`.
[[nodiscard]] result<std::optional<located_range>> locate(rt::file_system& files, const locate_request& request,
                                                          access how);

/// The position to start scanning at for `at`, by the index file of a segment that is no longer appended to; its start
/// if the index names a place below `limit` where no batch begins.
[[nodiscard]] result<offset_position> sealed_floor(rt::file_system& files, segment& in, access how, offset at,
                                                   std::uint64_t limit);

/// An entry of a time index and where its batch lies.
struct located_time {
  time_position entry;
  std::uint64_t position = 0;
};
/// The last entry that isn't above `timestamp_ms` in the time index file of a segment that is no longer appended to
/// (time -1 at the segment's start: there is none); nothing if the entry doesn't say what its batch says. Blocks.
[[nodiscard]] result<std::optional<located_time>> sealed_time_floor(rt::file_system& files, segment& in,
                                                                    std::int64_t timestamp_ms, std::uint64_t limit);

}  // namespace moldau::storage
