#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/metrics.hpp"
#include "moldau/core/result.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"
#include "storage/log_options.hpp"

namespace moldau::storage {

/// Group commit for the logs of one directory on one core.
///
/// A log that has something to write says so (`mark_dirty`). A round takes all that say so, writes what they have
/// gathered on workers, tells them (`end_write`: acks=1 may be answered), syncs their files and tells them again
/// (`end_sync`: acks=all). What gathers meanwhile goes in the next round. A write waits for a sync under way unless
/// much has gathered, or `write_while_syncing` is set.
///
/// A write or sync that fails is never retried: the group is failed for good, every member hears `on_failed`, the
/// owner's callback is called once, and nothing is written any more. Lives on one core; outlives its members.
class sync_group {
 public:
  /// One log as a round sees it. `begin_*`, `end_*` and `on_failed` are called on the core, `write` and `sync` on a
  /// worker, never two of one kind at once.
  class member {
   public:
    /// Takes what has gathered for `write`.
    virtual void begin_write() = 0;
    virtual result<void> write() = 0;
    virtual void end_write() = 0;
    /// Takes the files for `sync`: those that were written, with `and_taken` those that `write` is about to.
    virtual void begin_sync(bool and_taken) = 0;
    virtual result<void> sync() = 0;
    virtual void end_sync() = 0;
    /// Nothing will be written or synced any more.
    virtual void on_failed(const error& why) = 0;

   protected:
    ~member() = default;

   private:
    friend sync_group;
    bool to_write_ = false;
    bool to_sync_ = false;
    bool writing_ = false;
    bool syncing_ = false;
  };

  using failure_callback = std::move_only_function<void(const error& why)>;

  sync_group(rt::world& world, const storage_options& options, failure_callback on_failure);
  sync_group(const sync_group&) = delete;
  sync_group& operator=(const sync_group&) = delete;

  void add(member& log);
  /// The member must be idle: wait for `idle` first.
  void remove(member& log);

  /// Puts the log, which has `bytes` more to write, into the next round, which starts once the core has run what is
  /// queued now.
  void mark_dirty(member& log, std::uint64_t bytes = 0);
  /// Waits until the log is in no round and waits for none (or the group has failed and no job runs).
  [[nodiscard]] rt::task<void> idle(member& log);
  /// Waits until no round runs or is due. Call it before the group is destroyed.
  [[nodiscard]] rt::task<void> drained();

  /// Fails the group, as a failed write does; for errors of other file operations in the directory.
  void fail(const error& why);
  [[nodiscard]] bool failed() const { return failure_.has_value(); }
  /// Why; only if `failed()`.
  [[nodiscard]] const error& failure() const { return *failure_; }

  struct statistics {
    std::uint64_t write_rounds = 0;
    std::uint64_t sync_rounds = 0;
  };
  [[nodiscard]] const statistics& stats() const { return stats_; }
  /// From now on each round that syncs tells `into` how many seconds it took. Null: nobody is told.
  void measure(base::histogram* into) { sync_seconds_ = into; }

 private:
  struct part;
  struct write_phase;

  void schedule();
  void start_rounds();
  rt::task<void> write_round(bool and_sync);
  rt::task<void> sync_round();
  rt::task<void> run_parts(std::vector<member*> logs, bool write, bool sync);

  rt::world& world_;
  const unsigned jobs_;
  const bool write_while_syncing_;
  failure_callback on_failure_;
  std::optional<error> failure_;
  std::vector<member*> members_;
  std::vector<member*> to_write_;
  std::vector<member*> to_sync_;
  /// What `to_write_` has to write.
  std::uint64_t queued_bytes_ = 0;
  bool scheduled_ = false;
  bool write_busy_ = false;
  bool sync_busy_ = false;
  rt::event progress_;
  rt::gate running_;
  statistics stats_;
  base::histogram* sync_seconds_ = nullptr;
};

}  // namespace moldau::storage
