#include <algorithm>

#include "storage/batch_walk.hpp"
#include "storage/locate.hpp"
#include "storage/log.hpp"
#include "storage/segment.hpp"
#include "wire/record_search.hpp"

namespace moldau::storage {

namespace {

using found_record = std::optional<wire::timestamp_offset>;

/// A part of a segment's file to walk, whose start is known or to be found by the indexes' files.
struct search_range {
  std::shared_ptr<segment> in;
  std::uint64_t limit = 0;
  std::optional<std::uint64_t> position;
};

template <typename Visit>
result<found_record> search(rt::file_system& files, const search_range& range, std::uint64_t from, Visit visit) {
  segment& in = *range.in;
  MOLDAU_TRY_ASSIGN(const auto file, in.log_file.open(files, in.path(names::log), rt::open_mode::write));
  batch_walk walk(*file, from, range.limit);
  while (true) {
    MOLDAU_TRY_ASSIGN(const auto batch, walk.next());
    if (!batch) return std::nullopt;
    MOLDAU_TRY_ASSIGN(const found_record found, visit(*batch));
    if (found) return found;
  }
}

result<found_record> since_in(rt::file_system& files, const search_range& range, std::int64_t timestamp_ms,
                              offset start) {
  segment& in = *range.in;
  std::uint64_t from = range.position.value_or(0);
  if (!range.position) {
    MOLDAU_TRY_ASSIGN(const auto by_time, sealed_time_floor(files, in, timestamp_ms, range.limit));
    MOLDAU_TRY_ASSIGN(const offset_position by_offset, sealed_floor(files, in, access::blocking, start, range.limit));
    from = std::max<std::uint64_t>(by_time ? by_time->position : 0, by_offset.position);
  }
  wire::codec_context codecs;
  return search(files, range, from, [&](const wire::batch_view& batch) -> result<found_record> {
    if (batch.max_timestamp_ms() < timestamp_ms || batch.last_offset() < start) return std::nullopt;
    return wire::first_since(batch, timestamp_ms, start, codecs);
  });
}

}  // namespace

log::segment_map::const_iterator log::first_live() const {
  return std::prev(segments_.upper_bound(log_start_));
}

rt::task<result<std::optional<timestamp_offset>>> log::offset_for_timestamp(std::int64_t timestamp_ms) {
  MOLDAU_CO_TRY(usable());
  MOLDAU_CO_TRY(co_await written_.wait(log_end_));
  MOLDAU_CO_TRY(co_await load_largest_times());
  const offset start = log_start_;
  std::vector<search_range> ranges;
  for (auto it = first_live(); it != segments_.end(); ++it) {
    const std::shared_ptr<segment>& one = it->second;
    if (!one->largest_time || one->largest_time->timestamp_ms < timestamp_ms) continue;
    search_range range{.in = one, .limit = one->written, .position = std::nullopt};
    if (one->indexes != nullptr) {
      const offset from = std::max(one->indexes->times.floor(timestamp_ms).offset, start);
      range.position = one->indexes->offsets.floor(from).position;
    }
    ranges.push_back(std::move(range));
  }
  if (ranges.empty()) co_return std::nullopt;
  const auto found = co_await world_.offload([&]() -> result<found_record> {
    for (const search_range& range : ranges) {
      MOLDAU_TRY_ASSIGN(const found_record record, since_in(world_.files(), range, timestamp_ms, start));
      if (record) return record;
    }
    return std::nullopt;
  });
  if (!found) co_return fail(errc::kafka_storage_error, found.error().message);
  if (!*found) co_return std::nullopt;
  co_return timestamp_offset{.timestamp_ms = (*found)->timestamp_ms,
                             .offset = (*found)->offset,
                             .leader_epoch = epochs_.epoch_for((*found)->offset)};
}

rt::task<result<std::optional<timestamp_offset>>> log::offset_of_max_timestamp() {
  MOLDAU_CO_TRY(usable());
  MOLDAU_CO_TRY(co_await written_.wait(log_end_));
  MOLDAU_CO_TRY(co_await load_largest_times());
  std::shared_ptr<segment> latest;
  for (auto it = first_live(); it != segments_.end(); ++it) {
    const std::shared_ptr<segment>& one = it->second;
    if (!one->largest_time || one->largest_time->timestamp_ms < 0) continue;
    if (latest == nullptr || one->largest_time->timestamp_ms > latest->largest_time->timestamp_ms) latest = one;
  }
  if (latest == nullptr) co_return std::nullopt;
  const time_position largest = *latest->largest_time;
  search_range range{.in = latest, .limit = latest->written, .position = std::nullopt};
  if (latest->indexes != nullptr) range.position = latest->indexes->offsets.floor(largest.offset).position;
  const auto found = co_await world_.offload([&]() -> result<found_record> {
    std::uint64_t from = range.position.value_or(0);
    if (!range.position) {
      MOLDAU_TRY_ASSIGN(const offset_position at,
                        sealed_floor(world_.files(), *latest, access::blocking, largest.offset, range.limit));
      from = at.position;
    }
    wire::codec_context codecs;
    return search(world_.files(), range, from, [&](const wire::batch_view& batch) -> result<found_record> {
      if (batch.last_offset() < largest.offset) return std::nullopt;
      return wire::first_of_max_timestamp(batch, codecs);
    });
  });
  if (!found) co_return fail(errc::kafka_storage_error, found.error().message);
  if (!*found) co_return std::nullopt;
  co_return timestamp_offset{.timestamp_ms = (*found)->timestamp_ms,
                             .offset = (*found)->offset,
                             .leader_epoch = epochs_.epoch_for((*found)->offset)};
}

rt::task<result<std::vector<aborted_transaction>>> log::aborted_transactions(offset from, offset to) {
  MOLDAU_CO_TRY(usable());
  std::vector<aborted_transaction> out;
  auto it = segments_.upper_bound(from);
  if (it != segments_.begin()) --it;
  for (; it != segments_.end(); ++it) {
    for (const aborted_entry& e : it->second->aborted) {
      if (e.last_offset >= from && e.first_offset < to) {
        out.push_back({.producer_id = e.producer_id, .first_offset = e.first_offset});
      }
      // Everything that begins later was still undecided when this one ended.
      if (e.last_stable_offset >= to) co_return out;
    }
  }
  co_return out;
}

}  // namespace moldau::storage
