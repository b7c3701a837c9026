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

/// Whether the index entry names a batch that is really there.
result<bool> holds(rt::file& file, access how, const offset_position& entry, std::uint64_t limit) {
  if (entry.position == 0) return true;
  if (entry.position >= limit) return false;
  auto batch = read_batch_info(file, how, entry.position, limit);
  if (!batch) {
    if (batch.error().code == errc::corrupt_message) return false;
    return std::unexpected<error>(std::move(batch).error());
  }
  // An append of several batches is indexed by its first position and its last offset.
  return batch->has_value() && (*batch)->last <= entry.offset;
}

}  // namespace

result<offset_position> sealed_floor(rt::file_system& files, segment& in, access how, offset at) {
  MOLDAU_TRY_ASSIGN(const auto index, opened(files, in.offset_file, in, names::offset_index, how));
  MOLDAU_TRY_ASSIGN(const std::uint64_t size, index->size());
  return floor_in_file(*index, how, size, in.base, at);
}

result<std::optional<located_range>> locate(rt::file_system& files, const locate_request& request, access how) {
  segment& in = *request.in;
  MOLDAU_TRY_ASSIGN(auto file, opened(files, in.log_file, in, names::log, how));
  offset_position floor{.offset = in.base, .position = 0};
  if (request.from > in.base) {
    if (request.from_floor) {
      floor = *request.from_floor;
    } else {
      MOLDAU_TRY_ASSIGN(floor, sealed_floor(files, in, how, request.from));
    }
    // A damaged index costs time, not data: the segment is walked from its start then.
    MOLDAU_TRY_ASSIGN(const bool sound, holds(*file, how, floor, request.limit));
    if (!sound) floor = {.offset = in.base, .position = 0};
  }
  MOLDAU_TRY_ASSIGN(const auto first, seek_batch(*file, how, floor.position, request.limit, request.from));
  if (!first) return std::nullopt;
  located_range out{.file = std::move(file), .position = first->position, .size = 0};
  if (first->last >= request.upper) return out;

  std::uint64_t end = request.limit;
  if (request.upper < request.segment_end) {
    offset_position below;
    if (request.upper_floor) {
      below = *request.upper_floor;
    } else {
      MOLDAU_TRY_ASSIGN(below, sealed_floor(files, in, how, request.upper - 1));
    }
    MOLDAU_TRY_ASSIGN(const bool sound, holds(*out.file, how, below, request.limit));
    std::uint64_t from = first->end();
    if (sound && below.position > from) from = below.position;
    if (from < first->position + request.max_bytes) {
      MOLDAU_TRY_ASSIGN(const auto beyond, seek_batch(*out.file, how, from, request.limit, request.upper));
      if (beyond) end = beyond->position;
    }
  }
  out.size = std::min(request.max_bytes, end - first->position);
  if (out.size < first->size) out.size = request.min_one_batch ? first->size : 0;
  return out;
}

}  // namespace moldau::storage
