#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coord/group_coordinator.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "replica/partition.hpp"
#include "rt/callback_list.hpp"
#include "rt/completion.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"
#include "storage/async_mutex.hpp"
#include "wire/batch_builder.hpp"

namespace moldau::broker {

class shard;

inline constexpr std::string_view offsets_topic = "__consumer_offsets";

/// The group coordinators of one core: one for each partition of `__consumer_offsets` that lives here, loaded from its
/// log when it opens, fed with requests, the time and what has been committed until it closes.
class group_service {
 public:
  explicit group_service(shard& at);
  group_service(const group_service&) = delete;
  group_service& operator=(const group_service&) = delete;
  ~group_service();

  /// Partitions of other topics are passed over.
  void open(replica::partition& partition);
  /// Comes before the partition closes: its tasks leave it then.
  void close(const replica::partition& partition);
  /// The shard has a new view of the cluster.
  void on_publish(const std::map<topic_id, std::string>& topics_deleted);
  /// Parked requests have been answered when the shard told that it stops; returns when nothing of this runs.
  rt::task<void> stop();

  /// Runs `act(coordinator, now, reply)` on the coordinator of that partition, which must be this core's, and waits for
  /// the reply. Errors: `not_coordinator`, `coordinator_load_in_progress`.
  template <typename Result, typename Act>
  rt::task<result<Result>> call(partition_id partition, Act act) {
    auto found = find(partition);
    if (!found) co_return std::unexpected<error>(std::move(found).error());
    rt::completion<Result> done;
    // The reply comes from inside the coordinator, which must not be entered again before it has returned.
    act(*(*found)->coordinator, now(), coord::reply<Result>([&done, &world = world_](Result value) {
      world.post([&done, held = std::move(value)]() mutable { done.set(std::move(held)); });
    }));
    drive(**found);
    found = {};
    co_return co_await done;
  }
  /// The coordinators of this core, for what asks them all. Errors: `coordinator_load_in_progress`.
  [[nodiscard]] result<std::vector<const coord::group_coordinator*>> all() const;

 private:
  struct slot : std::enable_shared_from_this<slot> {
    replica::partition* partition = nullptr;
    std::unique_ptr<coord::group_coordinator> coordinator;
    wire::batch_builder builder;
    bool loading = false;
    bool active = false;
    bool closing = false;
    bool flush_posted = false;
    bool committing = false;
    std::unique_ptr<rt::timer> timer;
    std::int64_t timer_at_ms = 0;
  };

  [[nodiscard]] result<std::shared_ptr<slot>> find(partition_id partition) const;
  [[nodiscard]] coord::instant now() const;
  void start(slot& one);
  rt::task<void> load(std::shared_ptr<slot> one);
  rt::task<result<void>> replay(slot& one);
  result<void> replay_batch(slot& one, wire::batch_view batch);
  [[nodiscard]] result<offset> append(slot& one, std::span<const coord::record> records);
  /// Does what the coordinator has come to want: a flush, news of commits, a timer.
  void drive(slot& one);
  rt::task<void> next_turn();
  rt::task<void> flush_soon(std::shared_ptr<slot> one);
  rt::task<void> follow_commits(std::shared_ptr<slot> one);
  void arm(slot& one);
  void resign_all();

  shard& shard_;
  rt::world& world_;
  std::map<partition_id, std::shared_ptr<slot>> slots_;
  /// One partition loads at a time, so that a start takes one buffer and not one a partition.
  storage::async_mutex loading_;
  rt::callback on_stop_;
  rt::gate running_;
  bool stopping_ = false;
};

}  // namespace moldau::broker
