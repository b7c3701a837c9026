#include "storage/locate.hpp"

#include <algorithm>

#include "storage/batch_walk.hpp"

namespace moldau::storage {

namespace {

result<std::shared_ptr<rt::file>> opened(rt::file_system& files, file_slot& slot, const segment& in,
                                         std::string_view suffix, access how) {
  if (auto there = slot.get()) return there;
  if (how == access::resident) return fail(errc::would_block);
  return slot.open(files, in.path(suffix), rt::open_mode::write);
}

/// The entry, if it names a batch that is really there; otherwise the segment's start: a damaged index costs time, not
/// data.
result<offset_position> sound(rt::file& file, access how, const segment& in, const offset_position& entry,
                              std::uint64_t limit) {
  const offset_position start{.offset = in.base, .position = 0};
  if (entry.position == 0 || entry.position >= limit) return start;
  auto batch = read_batch_info(file, how, entry.position, limit);
  if (!batch) {
    if (batch.error().code == errc::corrupt_message) return start;
    return std::unexpected<error>(std::move(batch).error());
  }
  // An append of several batches is indexed by its first position and its last offset.
  return batch->has_value() && (*batch)->last <= entry.offset ? entry : start;
}

}  // namespace

result<offset_position> sealed_floor(rt::file_system& files, segment& in, access how, offset at, std::uint64_t limit) {
  MOLDAU_TRY_ASSIGN(const auto index, opened(files, in.offset_file, in, names::offset_index, how));
  MOLDAU_TRY_ASSIGN(const std::uint64_t size, index->size());
  MOLDAU_TRY_ASSIGN(const offset_position floor, floor_in_file(*index, how, size, in.base, at));
  MOLDAU_TRY_ASSIGN(const auto file, opened(files, in.log_file, in, names::log, how));
  return sound(*file, how, in, floor, limit);
}

result<std::optional<located_time>> sealed_time_floor(rt::file_system& files, segment& in, std::int64_t timestamp_ms,
                                                      std::uint64_t limit) {
  MOLDAU_TRY_ASSIGN(const auto index, in.time_file.open(files, in.path(names::time_index), rt::open_mode::write));
  MOLDAU_TRY_ASSIGN(const std::uint64_t size, index->size());
  MOLDAU_TRY_ASSIGN(const time_position entry,
                    time_floor_in_file(*index, access::blocking, size, in.base, timestamp_ms));
  if (entry.timestamp_ms < 0) return located_time{.entry = entry};
  MOLDAU_TRY_ASSIGN(const offset_position floor, sealed_floor(files, in, access::blocking, entry.offset, limit));
  MOLDAU_TRY_ASSIGN(const auto file, opened(files, in.log_file, in, names::log, access::blocking));
  const auto batch = seek_batch(*file, access::blocking, floor.position, limit, entry.offset);
  if (!batch && batch.error().code != errc::corrupt_message) return std::unexpected<error>(batch.error());
  if (!batch || !*batch || (*batch)->base > entry.offset || (*batch)->max_timestamp_ms != entry.timestamp_ms) {
    return std::nullopt;
  }
  return located_time{.entry = entry, .position = (*batch)->position};
}

result<std::optional<located_range>> locate(rt::file_system& files, const locate_request& request, access how) {
  segment& in = *request.in;
  MOLDAU_TRY_ASSIGN(auto file, opened(files, in.log_file, in, names::log, how));
  const auto floor_of = [&](offset at, const std::optional<offset_position>& known) {
    return known ? sound(*file, how, in, *known, request.limit) : sealed_floor(files, in, how, at, request.limit);
  };
  offset_position floor{.offset = in.base, .position = 0};
  if (request.from > in.base) {
    MOLDAU_TRY_ASSIGN(floor, floor_of(request.from, request.from_floor));
  }
  MOLDAU_TRY_ASSIGN(const auto first, seek_batch(*file, how, floor.position, request.limit, request.from));
  if (!first) return std::nullopt;
  located_range out{.file = file, .position = first->position, .size = 0};
  if (first->last >= request.upper) return out;

  std::uint64_t end = request.limit;
  if (request.upper < request.segment_end) {
    MOLDAU_TRY_ASSIGN(const offset_position below, floor_of(request.upper - 1, request.upper_floor));
    const std::uint64_t from = std::max<std::uint64_t>(first->end(), below.position);
    if (from < first->position + request.max_bytes) {
      MOLDAU_TRY_ASSIGN(const auto beyond, seek_batch(*file, how, from, request.limit, request.upper));
      if (beyond) end = beyond->position;
    }
  }
  out.size = std::min(request.max_bytes, end - first->position);
  if (out.size < first->size) out.size = request.min_one_batch ? first->size : 0;
  return out;
}

}  // namespace moldau::storage
