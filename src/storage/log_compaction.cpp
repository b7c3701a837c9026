#include <algorithm>
#include <utility>

#include "storage/compaction.hpp"
#include "storage/folder_scan.hpp"
#include "storage/log.hpp"
#include "storage/segment.hpp"

namespace moldau::storage {

rt::task<result<log::compaction_need>> log::compaction_needed(offset cleaned_to) {
  MOLDAU_CO_TRY(usable());
  const auto alone = co_await compacting_.lock();
  MOLDAU_CO_TRY(usable());
  MOLDAU_CO_TRY(co_await load_largest_times());
  const std::int64_t now_ms = world_.wall_ms();
  compaction_need need{.first_dirty = std::max(cleaned_to, log_start_), .first_uncleanable = last_stable_offset()};
  // A checkpoint from before the log was truncated or made anew says nothing.
  if (need.first_dirty > active_->base) need.first_dirty = log_start_;
  std::int64_t oldest_dirty_ms = -1;
  for (const auto& [base, one] : segments_) {
    const bool too_young = options_.min_compaction_lag_ms > 0 && one->largest_time &&
                           one->largest_time->timestamp_ms > now_ms - options_.min_compaction_lag_ms;
    // A segment whose indexes aren't in their files yet is waited for, as the active one is.
    if (one->indexes != nullptr || too_young) {
      need.first_uncleanable = std::min(need.first_uncleanable, base);
    }
    if (base >= need.first_uncleanable) break;
    const auto next = segments_.upper_bound(base);
    if (next != segments_.end() && next->first <= need.first_dirty) {
      need.clean_bytes += one->size;
    } else {
      need.dirty_bytes += one->size;
      if (oldest_dirty_ms < 0 && one->largest_time) oldest_dirty_ms = one->largest_time->timestamp_ms;
    }
  }
  // Only whole segments are cleaned.
  const auto end = segments_.upper_bound(need.first_uncleanable);
  if (end != segments_.begin()) need.first_uncleanable = std::prev(end)->first;
  need.first_uncleanable = std::max(need.first_uncleanable, need.first_dirty);
  const bool overdue =
      need.dirty_bytes > 0 && oldest_dirty_ms >= 0 && options_.max_compaction_lag_ms < now_ms - oldest_dirty_ms;
  need.due = need.first_uncleanable > need.first_dirty &&
             (overdue || need.dirty_ratio() >= options_.min_cleanable_dirty_ratio);
  co_return need;
}

rt::task<result<offset>> log::compact(compaction_need need) {
  MOLDAU_CO_TRY(usable());
  const auto alone = co_await compacting_.lock();
  MOLDAU_CO_TRY(usable());
  compaction_plan plan{.segments = {},
                       .first_dirty = need.first_dirty,
                       .end = need.first_uncleanable,
                       .options = options_,
                       .now_ms = world_.wall_ms(),
                       .last_of_producer = producers_.last_offsets(),
                       .aborted = {},
                       .ended = &compacting_ended_};
  MOLDAU_CO_TRY(plan.go_on());
  for (const auto& [base, one] : segments_) {
    if (base >= plan.end) break;
    if (one->indexes != nullptr) co_return need.first_dirty;
    plan.segments.push_back(one);
    plan.aborted.insert(plan.aborted.end(), one->aborted.begin(), one->aborted.end());
  }
  offset_map map(storage_.cleaner_dedupe_buffer_bytes, storage_.cleaner_load_factor, world_.random());
  MOLDAU_CO_TRY_ASSIGN(const offset mapped_end,
                       co_await world_.offload([&] { return fill_offset_map(world_.files(), plan, map); }));
  compaction_state state(plan);
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (const segment_group& group : group_segments(plan, mapped_end)) {
    auto cleaned =
        co_await world_.offload([&] { return clean_group(world_.files(), plan, group, map, mapped_end, state); });
    const auto held = co_await changing_.lock();
    const bool still_there = std::ranges::all_of(group, [&](const auto& one) {
      const auto it = segments_.find(one->base);
      return it != segments_.end() && it->second == one;
    });
    if (!usable() || !still_there || !cleaned) {
      // Truncated or deleted meanwhile, or no room to write: what was begun goes, and the log is as it was.
      co_await world_.offload([&] {
        for (std::string path : segment_paths(directory_, group.front()->base)) {
          [[maybe_unused]] const auto gone = world_.files().remove(path.append(names::cleaned));
        }
      });
      if (!cleaned) co_return std::unexpected<error>(std::move(cleaned).error());
      MOLDAU_CO_TRY(usable());
      co_return need.first_dirty;
    }
    // From here on readers use the new segment, whose files are open whatever they are called.
    for (const auto& one : group) {
      before += one->size;
      segments_.erase(one->base);
    }
    after += (*cleaned)->size;
    segments_.emplace((*cleaned)->base, *cleaned);
    // The cache still has what was dropped: aborted records among it, whose index entries may be gone.
    tail_.drop_below(segments_.upper_bound((*cleaned)->base)->first);
    auto doomed = co_await world_.offload([&] { return swap_in(world_.files(), **cleaned, group); });
    if (!doomed) co_return std::unexpected<error>(fail_directory(doomed.error()));
    doomed_.push_back(
        {.paths = *std::move(doomed), .due = world_.now() + std::chrono::milliseconds(options_.file_delete_delay_ms)});
    schedule_purge();
  }
  world_.log().info("{} was compacted from offset {} to {}: {} bytes became {}", directory_, need.first_dirty.value(),
                    mapped_end.value(), before, after);
  co_return mapped_end;
}

}  // namespace moldau::storage
