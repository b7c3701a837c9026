#include "storage/sync_group.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace moldau::storage {

namespace {

/// From so many bytes on, what has gathered is written while a sync is under way, so that the disk needn't wait for the
/// copying. Less than that is quickly written, and gathering it all in one write costs less.
constexpr std::uint64_t write_ahead_bytes = 512U << 10U;

}  // namespace

/// A round's writes: the next may begin once all its parts have told.
struct sync_group::write_phase {
  sync_group& group;
  std::size_t parts_left;

  void part_done() {
    if (--parts_left > 0) return;
    group.write_busy_ = false;
    group.start_rounds();
  }
};

/// One worker job's share of a round.
struct sync_group::part {
  explicit part(std::shared_ptr<write_phase> of) : phase(std::move(of)) {}

  /// Null in a round that only syncs.
  std::shared_ptr<write_phase> phase;
  std::vector<member*> logs;
  bool written_told = false;
  std::optional<error> failure;

  /// Once, after the writes: by the notice that the worker posts, or at the latest when the job is back.
  void tell_written() {
    if (std::exchange(written_told, true)) return;
    for (member* log : logs) {
      log->writing_ = false;
      log->end_write();
    }
    phase->part_done();
  }
};

sync_group::sync_group(rt::world& world, const storage_options& options, failure_callback on_failure)
    : world_(world),
      jobs_(std::max(1U, options.sync_jobs)),
      write_while_syncing_(options.write_while_syncing),
      on_failure_(std::move(on_failure)) {}

void sync_group::add(member& log) {
  members_.push_back(&log);
}

void sync_group::remove(member& log) {
  std::erase(members_, &log);
  std::erase(to_write_, &log);
  std::erase(to_sync_, &log);
}

void sync_group::mark_dirty(member& log, std::uint64_t bytes) {
  if (failure_) return;
  const bool was_much = std::exchange(queued_bytes_, queued_bytes_ + bytes) >= write_ahead_bytes;
  const bool much = queued_bytes_ >= write_ahead_bytes;
  if (!std::exchange(log.to_write_, true)) {
    to_write_.push_back(&log);
  } else if (was_much || !much) {
    return;
  }
  schedule();
}

void sync_group::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  // Posted, so that what else this pass of the core appends goes into the same round.
  running_.spawn([](sync_group& self) -> rt::task<void> {
    struct turn {
      rt::world& world;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) {
        world.post([waiting] { waiting.resume(); });
      }
      void await_resume() const noexcept {}
    };
    co_await turn{self.world_};
    self.scheduled_ = false;
    self.start_rounds();
  }(*this));
}

void sync_group::start_rounds() {
  if (failure_) return;
  const bool ahead = write_while_syncing_ || queued_bytes_ >= write_ahead_bytes;
  const bool can_write = !to_write_.empty() && !write_busy_;
  // What is written already doesn't wait for large writes; small ones it takes along.
  if (!to_sync_.empty() && !sync_busy_ && (ahead || !can_write)) running_.spawn(sync_round());
  if (can_write && (ahead || !sync_busy_)) running_.spawn(write_round(!sync_busy_));
}

rt::task<void> sync_group::write_round(bool and_sync) {
  std::vector<member*> logs = std::exchange(to_write_, {});
  queued_bytes_ = 0;
  write_busy_ = true;
  if (and_sync) {
    sync_busy_ = true;
    // What an earlier round has only written is synced along.
    for (member* log : std::exchange(to_sync_, {})) {
      log->to_sync_ = false;
      if (std::ranges::find(logs, log) == logs.end()) logs.push_back(log);
    }
    ++stats_.sync_rounds;
  }
  ++stats_.write_rounds;
  for (member* log : logs) {
    log->to_write_ = false;
    log->writing_ = true;
    log->begin_write();
    if (and_sync) {
      log->syncing_ = true;
      log->begin_sync(true);
    }
  }
  co_await run_parts(logs, true, and_sync);
  if (and_sync) sync_busy_ = false;
  if (!failure_ && !and_sync) {
    for (member* log : logs) {
      if (!std::exchange(log->to_sync_, true)) to_sync_.push_back(log);
    }
  }
  progress_.notify_all();
  start_rounds();
}

rt::task<void> sync_group::sync_round() {
  std::vector<member*> logs = std::exchange(to_sync_, {});
  sync_busy_ = true;
  ++stats_.sync_rounds;
  for (member* log : logs) {
    log->to_sync_ = false;
    log->syncing_ = true;
    log->begin_sync(false);
  }
  co_await run_parts(std::move(logs), false, true);
  sync_busy_ = false;
  progress_.notify_all();
  start_rounds();
}

rt::task<void> sync_group::run_parts(std::vector<member*> logs, bool write, bool sync) {
  const rt::time_point begun = world_.now();
  const std::size_t count = std::min<std::size_t>(jobs_, logs.size());
  std::vector<std::shared_ptr<part>> parts(count);
  const auto phase = write ? std::make_shared<write_phase>(*this, count) : nullptr;
  for (auto& one : parts) one = std::make_shared<part>(phase);
  for (std::size_t i = 0; i < logs.size(); ++i) parts[i % count]->logs.push_back(logs[i]);

  rt::gate jobs;
  for (const auto& mine : parts) {
    jobs.spawn([](sync_group& self, std::shared_ptr<part> my, bool do_write, bool do_sync) -> rt::task<void> {
      co_await self.world_.offload([&] {
        if (do_write) {
          for (member* log : my->logs) {
            if (auto done = log->write(); !done) {
              my->failure = std::move(done).error();
              return;
            }
          }
          // acks=1 is answered while the sync goes on.
          if (do_sync) {
            self.world_.post([my] { my->tell_written(); });
          }
        }
        if (!do_sync) return;
        for (member* log : my->logs) {
          if (auto done = log->sync(); !done) {
            my->failure = std::move(done).error();
            return;
          }
        }
      });
    }(*this, mine, write, sync));
  }
  co_await jobs.drained();
  if (sync && sync_seconds_ != nullptr) {
    sync_seconds_->observe(std::chrono::duration<double>(world_.now() - begun).count());
  }
  // A failure of one part spoils the directory: no other part is told that it is safe.
  for (const auto& mine : parts) {
    if (mine->failure) fail(*mine->failure);
  }
  for (const auto& mine : parts) {
    if (write && !failure_) mine->tell_written();
    if (write && !mine->written_told) {
      for (member* log : mine->logs) log->writing_ = false;
    }
    if (!sync) continue;
    for (member* log : mine->logs) {
      log->syncing_ = false;
      if (!failure_) log->end_sync();
    }
  }
}

void sync_group::fail(const error& why) {
  if (failure_) return;
  failure_ = why;
  world_.log().error("{}", why.message);
  for (member* log : std::vector<member*>(members_)) log->on_failed(why);
  if (on_failure_) on_failure_(why);
  progress_.notify_all();
}

rt::task<void> sync_group::idle(member& log) {
  while (log.writing_ || log.syncing_ || (!failure_ && (log.to_write_ || log.to_sync_))) co_await progress_.wait();
}

rt::task<void> sync_group::drained() {
  co_await running_.drained();
}

}  // namespace moldau::storage
