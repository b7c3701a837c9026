#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "storage/batch_walk.hpp"
#include "storage/folder_scan.hpp"
#include "storage/locate.hpp"
#include "storage/log.hpp"
#include "storage/log_recovery.hpp"
#include "storage/segment.hpp"

namespace moldau::storage {

namespace {

/// Cuts a segment's files so that no batch reaches `end`. Its indexes are in their files. Blocks.
result<void> cut_segment(rt::file_system& files, segment& in, offset end) {
  MOLDAU_TRY_ASSIGN(const auto file, in.log_file.open(files, in.path(names::log), rt::open_mode::write));
  MOLDAU_TRY_ASSIGN(const std::uint64_t size, file->size());
  MOLDAU_TRY_ASSIGN(const offset_position floor, sealed_floor(files, in, access::blocking, end - 1, size));
  MOLDAU_TRY_ASSIGN(const auto beyond, seek_batch(*file, access::blocking, floor.position, size, end));
  if (!beyond) return {};
  MOLDAU_TRY(file->truncate(beyond->position));
  MOLDAU_TRY(file->sync_data());

  MOLDAU_TRY_ASSIGN(const shared_bytes offsets, files.read_file(in.path(names::offset_index)));
  MOLDAU_TRY_ASSIGN(const shared_bytes times, files.read_file(in.path(names::time_index)));
  index_write kept;
  auto positions = offset_index::parse(offsets, in.base, beyond->position);
  positions.truncate(end - 1, beyond->position);
  kept.offsets = positions.encode();
  kept.times = time_index::parse(times, in.base, end).encode();
  MOLDAU_TRY(write_indexes(files, in, kept));

  auto aborted = in.aborted;
  const auto before = aborted.size();
  std::erase_if(aborted, [&](const aborted_entry& e) { return e.last_offset >= beyond->base; });
  if (aborted.size() == before) return {};
  return files.write_file_atomically(in.path(names::txn_index), encode_txn_index(aborted));
}

/// The largest timestamp of a segment whose indexes are in their files. A wrong byte in a time index could have
/// retention delete the segment before its time, so what it says is held against the batch that it names. Blocks.
result<time_position> largest_time_in(rt::file_system& files, segment& in, const base::logger& log) {
  MOLDAU_TRY_ASSIGN(const auto file, in.log_file.open(files, in.path(names::log), rt::open_mode::write));
  MOLDAU_TRY_ASSIGN(const std::uint64_t size, file->size());
  MOLDAU_TRY_ASSIGN(const auto told, sealed_time_floor(files, in, std::numeric_limits<std::int64_t>::max(), size));
  if (told && told->entry.timestamp_ms >= 0) return told->entry;
  time_position found{.timestamp_ms = -1, .offset = in.base};
  for (std::uint64_t at = 0;;) {
    const auto batch = read_batch_info(*file, access::blocking, at, size);
    if (!batch && batch.error().code != errc::corrupt_message) return std::unexpected<error>(batch.error());
    // Damage in the log itself is told to who reads it.
    if (!batch || !*batch) break;
    if ((*batch)->max_timestamp_ms > found.timestamp_ms) found = {(*batch)->max_timestamp_ms, (*batch)->last};
    at = (*batch)->end();
  }
  if (found.timestamp_ms >= 0) log.warn("{} doesn't say what its log says", in.path(names::time_index));
  return found;
}

/// Removes whole segments, each durably before the next lower one, so that a power cut leaves no gap. Blocks.
result<void> remove_from_the_top(rt::file_system& files, const std::vector<std::shared_ptr<segment>>& all,
                                 offset above) {
  for (auto one = all.rbegin(); one != all.rend() && (*one)->base > above; ++one) {
    MOLDAU_TRY(remove_files(files, segment_paths((*one)->directory(), (*one)->base)));
    MOLDAU_TRY(files.sync_directory((*one)->directory()));
  }
  return {};
}

result<void> remove_snapshots_above(rt::file_system& files, const std::string& directory, offset end) {
  MOLDAU_TRY_ASSIGN(const auto entries, files.list(directory));
  std::vector<std::string> gone;
  for (const auto& entry : entries) {
    const auto at = parse_segment_file_name(entry.name, names::snapshot);
    if (at && *at > end) gone.push_back(rt::join_path(directory, entry.name));
  }
  return remove_files(files, gone);
}

}  // namespace

rt::task<result<void>> log::reload(offset recovery_point, offset log_start) {
  const log_open_options again{.directory = directory_,
                               .partition = partition_,
                               .topic_id = topic_id_,
                               .options = options_,
                               .clean_shutdown = true,
                               .recovery_point = recovery_point,
                               .log_start = log_start};
  const std::int64_t now_ms = world_.wall_ms();
  auto loaded =
      co_await world_.offload([&] { return load_log(world_.files(), again, storage_, now_ms, world_.log()); });
  if (!loaded) co_return std::unexpected<error>(fail_directory(loaded.error()));
  adopt(*std::move(loaded));
  // The checkpoint on disk may still say more than there is now: what is appended next must not hide below it.
  if (context_checkpoint_) MOLDAU_CO_TRY(co_await context_checkpoint_());
  co_return result<void>{};
}

rt::task<result<void>> log::truncate_to(offset end) {
  if (end >= log_end_) co_return result<void>{};
  if (end < segments_.begin()->first) co_return co_await truncate_fully_and_start_at(end);
  MOLDAU_CO_TRY(usable());
  const auto held = co_await changing_.lock();
  MOLDAU_CO_TRY(co_await flush_locked(false));
  co_await sync_.idle(*this);
  MOLDAU_CO_TRY(usable());
  const auto all = segment_list();
  const auto done = co_await world_.offload([&]() -> result<void> {
    MOLDAU_TRY(remove_from_the_top(world_.files(), all, end));
    const auto above = std::ranges::upper_bound(all, end, {}, [](const auto& one) { return one->base; });
    MOLDAU_TRY(cut_segment(world_.files(), **std::prev(above), end));
    MOLDAU_TRY(remove_snapshots_above(world_.files(), directory_, end));
    return world_.files().sync_directory(directory_);
  });
  if (!done) co_return std::unexpected<error>(fail_directory(done.error()));
  co_return co_await reload(std::min(recovery_point_, end), std::min(log_start_, end));
}

rt::task<result<void>> log::truncate_fully_and_start_at(offset start) {
  MOLDAU_CO_TRY(usable());
  const auto held = co_await changing_.lock();
  co_await sync_.idle(*this);
  MOLDAU_CO_TRY(usable());
  rolled_.clear();
  unsynced_.clear();
  const auto all = segment_list();
  const auto done = co_await world_.offload([&]() -> result<void> {
    MOLDAU_TRY(remove_files(world_.files(), {rt::join_path(directory_, names::leader_epochs)}));
    MOLDAU_TRY(remove_from_the_top(world_.files(), all, no_offset));
    MOLDAU_TRY(remove_snapshots_above(world_.files(), directory_, no_offset));
    return world_.files().sync_directory(directory_);
  });
  if (!done) co_return std::unexpected<error>(fail_directory(done.error()));
  high_watermark_ = start;
  co_return co_await reload(start, start);
}

rt::task<result<void>> log::delete_records(offset start) {
  MOLDAU_CO_TRY(usable());
  if (start > high_watermark_) {
    co_return fail(errc::offset_out_of_range,
                   fmt::format("records below {} are to be deleted, but the high watermark of {} is {}", start.value(),
                               directory_, high_watermark_.value()));
  }
  if (start <= log_start_) co_return result<void>{};
  move_start(start);
  const auto held = co_await changing_.lock();
  co_return co_await delete_below_start();
}

void log::move_start(offset start) {
  if (start <= log_start_) return;
  log_start_ = start;
  high_watermark_ = std::max(high_watermark_, log_start_);
  producers_.on_log_start(start);
  if (epochs_.truncate_from_start(start)) {
    epochs_dirty_ = true;
    sync_.mark_dirty(*this);
  }
}

rt::task<result<void>> log::delete_below_start() {
  std::vector<std::shared_ptr<segment>> gone;
  for (auto it = segments_.begin(); std::next(it) != segments_.end(); ++it) {
    if (std::next(it)->first > log_start_) break;
    gone.push_back(it->second);
  }
  co_return co_await remove_segments(std::move(gone), "they lie below the log start");
}

rt::task<result<std::size_t>> log::apply_retention() {
  MOLDAU_CO_TRY(usable());
  const auto held = co_await changing_.lock();
  MOLDAU_CO_TRY(usable());
  const std::int64_t now_ms = world_.wall_ms();
  if (now_ms - producers_expired_ms_ >= storage_.producer_id_expiration_check_interval_ms) {
    producers_expired_ms_ = now_ms;
    producers_.expire(now_ms, storage_.producer_id_expiration_ms);
  }
  std::size_t before = segments_.size();
  MOLDAU_CO_TRY(co_await delete_below_start());
  if (options_.cleanup_delete) {
    MOLDAU_CO_TRY(co_await load_largest_times());
    // Oldest first, as long as one may go: a segment is kept once any of the next has to be.
    std::vector<std::shared_ptr<segment>> gone;
    auto excess = options_.retention_bytes < 0 ? std::int64_t{-1}
                                               : static_cast<std::int64_t>(size_bytes()) - options_.retention_bytes;
    const auto all = segment_list();
    std::string why;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const segment& one = *all[i];
      const bool last = i + 1 == all.size();
      const offset upper = last ? log_end_ : all[i + 1]->base;
      if (high_watermark_ < upper || (last && one.size == 0)) break;
      const bool too_large = excess - static_cast<std::int64_t>(one.size) >= 0;
      const std::int64_t newest =
          one.largest_time && one.largest_time->timestamp_ms >= 0 ? one.largest_time->timestamp_ms : one.modified_ms;
      const bool too_old = options_.retention_ms >= 0 && now_ms - newest > options_.retention_ms;
      if (!too_large && !too_old) break;
      if (too_large) excess -= static_cast<std::int64_t>(one.size);
      why = too_old ? "retention.ms has passed" : "the log is larger than retention.bytes";
      gone.push_back(all[i]);
    }
    if (!gone.empty()) {
      if (gone.size() == all.size()) {
        roll();
        ++before;
        MOLDAU_CO_TRY(co_await flush_locked(false));
      }
      // Leaves at least the active segment, which holds the log end.
      std::erase_if(gone, [&](const auto& one) { return one.get() == active_; });
      if (const auto first_kept = segments_.upper_bound(gone.back()->base); first_kept != segments_.end()) {
        move_start(first_kept->first);
      }
      MOLDAU_CO_TRY(co_await remove_segments(std::move(gone), std::move(why)));
    }
  }
  co_return before > segments_.size() ? before - segments_.size() : 0;
}

rt::task<result<void>> log::load_largest_times() {
  std::vector<std::shared_ptr<segment>> unknown;
  for (const auto& one : segments_) {
    if (!one.second->largest_time) unknown.push_back(one.second);
  }
  std::vector<time_position> found(unknown.size());
  if (unknown.empty()) co_return result<void>{};
  const auto done = co_await world_.offload([&]() -> result<void> {
    for (std::size_t i = 0; i < unknown.size(); ++i) {
      MOLDAU_TRY_ASSIGN(found[i], largest_time_in(world_.files(), *unknown[i], world_.log()));
    }
    return {};
  });
  if (!done) co_return std::unexpected<error>(fail_directory(done.error()));
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    if (!unknown[i]->largest_time) unknown[i]->largest_time = found[i];
  }
  co_return result<void>{};
}

rt::task<result<void>> log::remove_segments(std::vector<std::shared_ptr<segment>> gone, std::string why) {
  if (gone.empty()) co_return result<void>{};
  // The name of the first segment that stays is all that says where the log begins and, if it is empty, where it ends:
  // its file has to be there before the others go.
  if (active_->size > 0) {
    MOLDAU_CO_TRY(co_await written_.wait(log_end_));
  } else {
    co_await sync_.idle(*this);
    MOLDAU_CO_TRY(usable());
  }
  for (const auto& one : gone) {
    segments_.erase(one->base);
    std::erase(rolled_, one);
    std::erase(unsynced_, one);
  }
  world_.log().info("{} segments of {} up to offset {} are deleted: {}", gone.size(), directory_,
                    gone.back()->base.value(), why);
  std::vector<std::string> renamed;
  // Oldest first, each durably before the next, so that a power cut leaves no gap.
  const auto done = co_await world_.offload([&]() -> result<void> {
    for (const auto& one : gone) {
      for (const std::string& path : segment_paths(directory_, one->base)) {
        std::string to = path + std::string(names::deleted);
        auto moved = world_.files().rename(path, to);
        if (!moved && moved.error().code == errc::not_found) continue;
        if (!moved) return moved;
        renamed.push_back(std::move(to));
      }
      MOLDAU_TRY(world_.files().sync_directory(directory_));
    }
    return {};
  });
  if (!done) co_return std::unexpected<error>(fail_directory(done.error()));
  doomed_.push_back(
      {.paths = std::move(renamed), .due = world_.now() + std::chrono::milliseconds(options_.file_delete_delay_ms)});
  schedule_purge();
  co_return result<void>{};
}

void log::schedule_purge() {
  if (doomed_.empty() || purge_timer_ != nullptr || closed_) return;
  purge_timer_ = world_.post_at(doomed_.front().due, [this] {
    purge_timer_.reset();
    background_.spawn(purge_deleted());
  });
}

rt::task<void> log::purge_deleted() {
  std::vector<std::string> paths;
  while (!doomed_.empty() && doomed_.front().due <= world_.now()) {
    std::ranges::move(doomed_.front().paths, std::back_inserter(paths));
    doomed_.erase(doomed_.begin());
  }
  const auto done = co_await world_.offload([&] { return remove_files(world_.files(), paths); });
  // They are out of use already; the next start tries again.
  if (!done) world_.log().warn("{}", done.error().message);
  schedule_purge();
}

}  // namespace moldau::storage
