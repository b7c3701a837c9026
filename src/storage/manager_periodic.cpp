#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/file_names.hpp"
#include "storage/log_manager.hpp"
#include "storage/manager_internal.hpp"

namespace moldau::storage {

rt::task<result<void>> log_manager::for_each_log(std::function<rt::task<result<void>>(log&)> work, unsigned at_once) {
  result<void> first_failure;
  for (unsigned i = 0; i < cores_.size(); ++i) {
    auto done = co_await world_.call_on(i, [&, i]() -> rt::task<result<void>> {
      core_storage& on = *cores_[i];
      std::vector<topic_id_partition> left;
      for (const auto& one : on.logs) left.push_back(one.first);
      // In an order that doesn't depend on where things lie in memory.
      std::ranges::sort(left);
      result<void> failure;
      rt::gate lanes;
      for (unsigned lane = 0; lane < at_once; ++lane) {
        lanes.spawn([](core_storage& core, std::vector<topic_id_partition>& rest,
                       std::function<rt::task<result<void>>(log&)>& each, result<void>& failed) -> rt::task<void> {
          while (!rest.empty()) {
            const topic_id_partition next = rest.back();
            rest.pop_back();
            // It may have been deleted while others were worked on.
            const auto it = core.logs.find(next);
            if (it == core.logs.end()) continue;
            auto one = co_await each(*it->second);
            if (!one && failed) failed = std::move(one);
          }
        }(on, left, work, failure));
      }
      co_await lanes.drained();
      co_return failure;
    });
    if (!done && first_failure) first_failure = std::move(done);
  }
  co_return first_failure;
}

rt::task<result<void>> log_manager::write_checkpoints() {
  const auto held = co_await checkpointing_.lock();
  struct row {
    std::size_t directory = 0;
    topic_partition partition;
    offset recovery_point;
    offset log_start;
    offset high_watermark;
    bool starts_inside = false;
  };
  struct files_of {
    offset_checkpoint recovery_points;
    offset_checkpoint log_starts;
    offset_checkpoint high_watermarks;
  };
  std::vector<files_of> out(directories_.size());
  for (unsigned i = 0; i < cores_.size(); ++i) {
    const auto rows = co_await world_.call_on(i, [&, i]() -> rt::task<std::vector<row>> {
      std::vector<row> mine;
      for (const auto& [key, one] : cores_[i]->logs) {
        mine.push_back({.directory = 0,
                        .partition = one->partition(),
                        .recovery_point = one->recovery_point(),
                        .log_start = one->log_start(),
                        .high_watermark = one->high_watermark(),
                        .starts_inside = one->log_start() > one->first_segment_base()});
        for (std::size_t d = 0; d < directories_.size(); ++d) {
          if (rt::parent_path(one->directory()) == directories_[d]->path) mine.back().directory = d;
        }
      }
      co_return mine;
    });
    for (const row& one : rows) {
      files_of& to = out[one.directory];
      to.recovery_points[one.partition] = one.recovery_point;
      to.high_watermarks[one.partition] = one.high_watermark;
      // As Kafka: otherwise the first segment's name says it.
      if (one.starts_inside) to.log_starts[one.partition] = one.log_start;
    }
  }
  for (std::size_t d = 0; d < directories_.size(); ++d) {
    directory_state& in = *directories_[d];
    if (in.failed) continue;
    const auto done = co_await world_.offload([&]() -> result<void> {
      rt::file_system& files = world_.files();
      const auto path = [&](std::string_view name) { return rt::join_path(in.path, name); };
      if (out[d].recovery_points != in.recovery_points || !files.exists(path(names::recovery_points))) {
        MOLDAU_TRY(write_offset_checkpoint(files, path(names::recovery_points), out[d].recovery_points));
      }
      if (out[d].log_starts != in.log_starts || !files.exists(path(names::log_starts))) {
        MOLDAU_TRY(write_offset_checkpoint(files, path(names::log_starts), out[d].log_starts));
      }
      if (out[d].high_watermarks != in.high_watermarks || !files.exists(path(names::high_watermarks))) {
        MOLDAU_TRY(write_offset_checkpoint(files, path(names::high_watermarks), out[d].high_watermarks));
      }
      return {};
    });
    if (!done) {
      directory_failed(d, done.error());
      co_return fail(errc::kafka_storage_error, done.error().message);
    }
    in.recovery_points = std::move(out[d].recovery_points);
    in.log_starts = std::move(out[d].log_starts);
    in.high_watermarks = std::move(out[d].high_watermarks);
  }
  co_return result<void>{};
}

rt::task<result<void>> log_manager::checkpoint(bool flush) {
  constexpr unsigned flushes_at_once = 4;
  if (flush) {
    MOLDAU_CO_TRY(co_await for_each_log([](log& one) { return one.flush(); }, flushes_at_once));
  }
  co_return co_await write_checkpoints();
}

rt::task<void> log_manager::periodic(std::function<std::int64_t()> interval_ms, std::function<rt::task<void>()> work) {
  rt::event tick;
  ticks_.push_back(&tick);
  while (!stopping_) {
    const auto timer =
        world_.post_at(world_.now() + std::chrono::milliseconds(interval_ms()), [&tick] { tick.notify_all(); });
    co_await tick.wait();
    if (!stopping_) co_await work();
  }
  std::erase(ticks_, &tick);
}

void log_manager::start() {
  background_.spawn(periodic([this] { return options_.storage.checkpoint_interval_ms; },
                             [this]() -> rt::task<void> {
                               // A failure has been told by the directory's own callback.
                               [[maybe_unused]] const auto done = co_await checkpoint(true);
                             }));
  background_.spawn(periodic([this] { return options_.storage.retention_check_interval_ms; },
                             [this]() -> rt::task<void> {
                               [[maybe_unused]] const auto done = co_await for_each_log(
                                   [](log& one) -> rt::task<result<void>> {
                                     MOLDAU_CO_TRY(co_await one.apply_retention());
                                     co_return result<void>{};
                                   },
                                   1);
                             }));
  if (options_.storage.cleaner_enable) {
    background_.spawn(
        periodic([this] { return options_.storage.cleaner_backoff_ms; }, [this] { return compact_all(); }));
  }
}

rt::task<void> log_manager::end_background() {
  stopping_ = true;
  removals_.clear();
  [[maybe_unused]] const auto told = co_await for_each_log(
      [](log& one) -> rt::task<result<void>> {
        one.end_compacting();
        co_return result<void>{};
      },
      1);
  for (rt::event* tick : std::vector<rt::event*>(ticks_)) tick->notify_all();
  co_await background_.drained();
}

rt::task<result<void>> log_manager::stop(std::int64_t broker_epoch) {
  constexpr unsigned closes_at_once = 16;
  co_await end_background();
  auto closed = co_await for_each_log([](log& one) { return one.close(); }, closes_at_once);
  auto written = co_await write_checkpoints();
  if (closed && written) {
    closed = co_await world_.offload([&]() -> result<void> {
      for (const auto& directory : directories_) {
        if (directory->failed) continue;
        MOLDAU_TRY(world_.files().write_file_atomically(rt::join_path(directory->path, names::clean_shutdown),
                                                        as_bytes(encode_clean_shutdown(broker_epoch))));
      }
      return {};
    });
  }
  co_await destroy_cores();
  co_return closed ? written : closed;
}

rt::task<void> log_manager::abandon() {
  constexpr unsigned closes_at_once = 16;
  co_await end_background();
  [[maybe_unused]] const auto done = co_await for_each_log(
      [](log& one) -> rt::task<result<void>> {
        co_await one.abandon();
        co_return result<void>{};
      },
      closes_at_once);
  co_await destroy_cores();
}

rt::task<void> log_manager::destroy_cores() {
  for (unsigned i = 0; i < cores_.size(); ++i) {
    co_await world_.call_on(i, [&, i]() -> rt::task<void> {
      core_storage& on = *cores_[i];
      on.logs.clear();
      for (const auto& group : on.sync) co_await group->drained();
      cores_[i].reset();
    });
  }
  known_.clear();
  for (const auto& directory : directories_) directory->lock.reset();
}

rt::task<void> log_manager::refresh_options(manager_options changed) {
  options_.defaults = changed.defaults;
  options_.options_of = std::move(changed.options_of);
  options_.storage = changed.storage;
  std::vector<std::vector<std::pair<topic_id_partition, log_options>>> by_core(cores_.size());
  for (const auto& [key, one] : known_) by_core[one.core].emplace_back(key, options_of(one.partition.topic));
  for (unsigned i = 0; i < cores_.size(); ++i) {
    co_await world_.call_on(i, [&, i]() -> rt::task<void> {
      cores_[i]->storage = options_.storage;
      for (const auto& [key, options] : by_core[i]) {
        if (log* one = find(i, key); one != nullptr && one->options() != options) one->set_options(options);
      }
      co_return;
    });
  }
}

}  // namespace moldau::storage
