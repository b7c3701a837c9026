#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/locate.hpp"
#include "storage/log.hpp"
#include "storage/segment.hpp"

namespace moldau::storage {

result<void> log::check_range(offset from) const {
  MOLDAU_TRY(usable());
  if (from >= log_start_ && from <= log_end_) return {};
  return fail(errc::offset_out_of_range, fmt::format("offset {} is asked for, {} has {} to {}", from.value(),
                                                     directory_, log_start_.value(), log_end_.value()));
}

result<read_result> log::read_tail(const read_options& options, const tail_cache::entry& first) {
  read_result out;
  const auto& entries = tail_.entries();
  for (std::size_t i = tail_.index_of(&first); i < entries.size(); ++i) {
    const tail_cache::entry& batch = entries[i];
    if (batch.last >= options.upper_bound) break;
    const bool must = out.chunks.empty() && options.min_one_batch;
    if (out.size_bytes + batch.bytes.size() > options.max_bytes && !must) break;
    out.size_bytes += batch.bytes.size();
    out.chunks.emplace_back(batch.bytes);
  }
  return out;
}

locate_request log::prepare(const read_options& options, const std::shared_ptr<segment>& from) const {
  const auto next = segments_.upper_bound(from->base);
  locate_request request{.in = from,
                         .limit = from->written,
                         .from = options.from,
                         .upper = options.upper_bound,
                         .segment_end = next == segments_.end() ? log_end_ : next->first,
                         .max_bytes = options.max_bytes,
                         .min_one_batch = options.min_one_batch,
                         .from_floor = std::nullopt,
                         .upper_floor = std::nullopt};
  if (from->indexes != nullptr) {
    request.from_floor = from->indexes->offsets.floor(options.from);
    request.upper_floor = from->indexes->offsets.floor(options.upper_bound - 1);
  }
  return request;
}

result<read_result> log::try_read(const read_options& asked) {
  MOLDAU_TRY(check_range(asked.from));
  read_options options = asked;
  options.upper_bound = std::min(options.upper_bound, log_end_);
  if (options.from >= options.upper_bound) return read_result{};
  if (const auto* first = tail_.find(options.from)) return read_tail(options, *first);
  for (auto it = std::prev(segments_.upper_bound(options.from)); it != segments_.end(); ++it) {
    MOLDAU_TRY_ASSIGN(auto found, locate(world_.files(), prepare(options, it->second), access::resident));
    // What is queued, but neither in the file yet nor in the cache any more, has to be waited for.
    if (!found && it->second->written < it->second->size) return fail(errc::would_block);
    if (!found) continue;
    read_result out;
    if (found->size == 0) return out;
    if (!found->file->is_resident(found->position, found->size)) return fail(errc::would_block);
    out.size_bytes = found->size;
    out.chunks.emplace_back(rt::file_range{std::move(found->file), found->position, found->size});
    return out;
  }
  return read_result{};
}

rt::task<result<read_result>> log::read(read_options asked) {
  while (true) {
    auto at_once = try_read(asked);
    if (at_once || at_once.error().code != errc::would_block) co_return at_once;
    read_options options = asked;
    options.upper_bound = std::min(options.upper_bound, log_end_);
    const std::shared_ptr<segment> in = std::prev(segments_.upper_bound(options.from))->second;
    if (in->written < in->size && written_.reached() <= options.from) {
      MOLDAU_CO_TRY(co_await written_.wait(options.from + 1));
      continue;
    }
    const locate_request request = prepare(options, in);
    auto found = co_await world_.offload([&] {
      auto range = locate(world_.files(), request, access::blocking);
      if (range && *range && (*range)->size > 0) (*range)->file->make_resident((*range)->position, (*range)->size);
      return range;
    });
    if (!found) {
      MOLDAU_CO_TRY(usable());
      // A segment that was deleted or compacted meanwhile is no error of the disk.
      const auto there = segments_.find(in->base);
      if (there == segments_.end() || there->second != in) continue;
      if (found.error().code == errc::io_error) co_return std::unexpected<error>(fail_directory(found.error()));
      co_return fail(errc::kafka_storage_error, found.error().message);
    }
    read_result out;
    if (*found) {
      out.size_bytes = (*found)->size;
      if (out.size_bytes > 0) {
        out.chunks.emplace_back(rt::file_range{std::move((*found)->file), (*found)->position, (*found)->size});
      }
      co_return out;
    }
    if (request.segment_end >= options.upper_bound) co_return out;
    asked.from = request.segment_end;
  }
}

}  // namespace moldau::storage
