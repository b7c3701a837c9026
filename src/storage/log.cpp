#include "storage/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/folder_scan.hpp"
#include "storage/log_recovery.hpp"
#include "storage/segment.hpp"

namespace moldau::storage {

rt::task<result<std::unique_ptr<log>>> log::open(log_context context, log_open_options options) {
  rt::world& world = *context.world;
  const std::int64_t now_ms = world.wall_ms();
  MOLDAU_CO_TRY_ASSIGN(loaded_log loaded, co_await world.offload([&] {
    return load_log(world.files(), options, *context.storage, now_ms, world.log());
  }));
  co_return std::make_unique<log>(context, std::move(loaded));
}

log::log(log_context context, loaded_log&& loaded)
    : world_(*context.world),
      sync_(*context.sync),
      storage_(*context.storage),
      context_checkpoint_(std::move(context.checkpoint)),
      tail_(*context.tail),
      changing_(*context.world),
      compacting_(*context.world) {
  directory_ = loaded.directory;
  partition_ = loaded.partition;
  topic_id_ = loaded.topic_id;
  set_options(loaded.options);
  adopt(std::move(loaded));
  high_watermark_ = log_start_;
  producers_expired_ms_ = world_.wall_ms();
  sync_.add(*this);
}

log::~log() = default;

void log::adopt(loaded_log&& loaded) {
  segments_.clear();
  for (auto& one : loaded.segments) segments_.emplace(one->base, std::move(one));
  active_ = segments_.rbegin()->second.get();
  log_start_ = loaded.log_start;
  log_end_ = loaded.log_end;
  recovery_point_ = loaded.recovery_point;
  epochs_ = std::move(loaded.epochs);
  producers_ = std::move(loaded.producers);
  checkpoint_snapshot_ = loaded.checkpoint_snapshot;
  tail_.clear();
  written_.retreat(log_end_);
  synced_.retreat(log_end_);
  write_mark_ = sync_mark_ = log_end_;
  high_watermark_ = std::clamp(high_watermark_, log_start_, log_end_);
}

void log::set_options(const log_options& options) {
  options_ = options;
  roll_jitter_ms_ = 0;
  const std::int64_t jitter = std::min(options.segment_jitter_ms, options.segment_ms);
  if (jitter > 0) roll_jitter_ms_ = static_cast<std::int64_t>(world_.random() % static_cast<std::uint64_t>(jitter));
}

result<void> log::usable() const {
  if (closed_) return fail(errc::kafka_storage_error, fmt::format("{} is closed", directory_));
  if (sync_.failed()) return fail(errc::kafka_storage_error, sync_.failure().message);
  return {};
}

error log::fail_directory(error why) {
  sync_.fail(why);
  return {.code = errc::kafka_storage_error, .message = std::move(why.message)};
}

void log::set_high_watermark(offset at) {
  high_watermark_ = std::clamp(at, log_start_, log_end_);
  producers_.forget_completed_below(high_watermark_);
}

offset log::last_stable_offset() const {
  const auto unstable = producers_.first_unstable_offset();
  return unstable && *unstable < high_watermark_ ? std::max(*unstable, log_start_) : high_watermark_;
}

std::uint64_t log::size_bytes() const {
  std::uint64_t total = 0;
  for (const auto& one : segments_) total += one.second->size;
  return total;
}

std::vector<std::shared_ptr<segment>> log::segment_list() const {
  std::vector<std::shared_ptr<segment>> out;
  out.reserve(segments_.size());
  for (const auto& one : segments_) out.push_back(one.second);
  return out;
}

void log::begin_epoch(leader_epoch epoch) {
  if (!epochs_.assign(epoch, log_end_)) return;
  epochs_dirty_ = true;
  sync_.mark_dirty(*this);
}

}  // namespace moldau::storage
