#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/folder_scan.hpp"
#include "storage/log.hpp"
#include "storage/segment.hpp"

namespace moldau::storage {

namespace {

/// Everything that must be durable, beside the batches themselves, before the recovery point may pass a segment's end
/// (or the end of what is in it so far). Blocks.
result<void> persist(rt::file_system& files, segment& of, const index_write& indexes,
                     const std::vector<std::byte>& snapshot, offset snapshot_at, bool trim) {
  MOLDAU_TRY(write_indexes(files, of, indexes));
  if (trim && of.reserved > of.size) {
    // Gives back what was reserved and never written.
    MOLDAU_TRY_ASSIGN(const auto file, of.log_file.open(files, of.path(names::log), rt::open_mode::write));
    MOLDAU_TRY(file->truncate(of.size));
  }
  if (snapshot.empty()) return {};
  return files.write_file_atomically(rt::join_path(of.directory(), segment_file_name(snapshot_at, names::snapshot)),
                                     snapshot);
}

}  // namespace

void log::roll() {
  if (active_->size == 0 || !usable()) return;
  start_segment(log_end_);
  sync_.mark_dirty(*this);
}

rt::task<void> log::finish_rolled() {
  while (!rolled_.empty()) {
    if (!co_await synced_.wait(rolled_.front()->pending_snapshot_at)) break;
    const auto held = co_await changing_.lock();
    if (closed_ || !co_await finish_oldest_rolled()) break;
  }
  finishing_ = false;
}

rt::task<result<void>> log::finish_oldest_rolled() {
  if (rolled_.empty()) co_return result<void>{};
  const std::shared_ptr<segment> old = rolled_.front();
  const offset end = old->pending_snapshot_at;
  MOLDAU_CO_TRY(co_await synced_.wait(end));
  const index_write indexes = take_index_write(*old);
  const auto done =
      co_await world_.offload([&] { return persist(world_.files(), *old, indexes, old->pending_snapshot, end, true); });
  if (!done) co_return std::unexpected<error>(fail_directory(done.error()));
  old->indexes.reset();
  old->pending_snapshot = {};
  recovery_point_ = std::max(recovery_point_, end);
  std::erase(rolled_, old);
  co_return result<void>{};
}

rt::task<result<void>> log::flush() {
  MOLDAU_CO_TRY(usable());
  const auto held = co_await changing_.lock();
  co_return co_await flush_locked(false);
}

rt::task<result<void>> log::flush_locked(bool closing) {
  MOLDAU_CO_TRY(usable());
  while (!rolled_.empty()) MOLDAU_CO_TRY(co_await finish_oldest_rolled());
  if (!closing && recovery_point_ == log_end_) co_return result<void>{};

  const std::shared_ptr<segment> in = segments_.rbegin()->second;
  const offset end = log_end_;
  if (closing) in->indexes->times.maybe_append(in->largest_time.value_or(time_position{}));
  const index_write indexes = take_index_write(*in);
  std::vector<std::byte> snapshot;
  if (recovery_point_ < end) {
    producers_.set_map_end(end);
    snapshot = producers_.encode_snapshot();
  }
  MOLDAU_CO_TRY(co_await synced_.wait(end));
  std::vector<std::string> gone;
  if (!snapshot.empty() && checkpoint_snapshot_ && *checkpoint_snapshot_ != end &&
      !segments_.contains(*checkpoint_snapshot_)) {
    gone.push_back(rt::join_path(directory_, segment_file_name(*checkpoint_snapshot_, names::snapshot)));
  }
  const auto done = co_await world_.offload([&]() -> result<void> {
    MOLDAU_TRY(persist(world_.files(), *in, indexes, snapshot, end, closing));
    return remove_files(world_.files(), gone);
  });
  if (!done) co_return std::unexpected<error>(fail_directory(done.error()));
  if (!snapshot.empty()) checkpoint_snapshot_ = end;
  recovery_point_ = std::max(recovery_point_, end);
  co_return result<void>{};
}

rt::task<result<void>> log::close() {
  result<void> done = usable();
  if (done) {
    const auto held = co_await changing_.lock();
    done = co_await flush_locked(true);
  }
  co_await abandon();
  co_return done;
}

rt::task<void> log::abandon() {
  if (std::exchange(closed_, true)) co_return;
  purge_timer_.reset();
  // Those in line before this one come to their end first; nobody joins the lines any more.
  end_compacting();
  {
    const auto alone = co_await compacting_.lock();
    const auto held = co_await changing_.lock();
  }
  co_await sync_.idle(*this);
  const error why{.code = errc::kafka_storage_error, .message = fmt::format("{} is closed", directory_)};
  written_.fail(why);
  synced_.fail(why);
  co_await background_.drained();
  sync_.remove(*this);
}

}  // namespace moldau::storage
