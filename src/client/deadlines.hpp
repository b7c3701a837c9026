#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "moldau/core/async.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"

namespace moldau::client {

/// Ends calls whose deadline has come, on the client's thread. A call without one doesn't come here.
class deadlines final : public detail::client_thread, public std::enable_shared_from_this<deadlines> {
 public:
  /// `is_own_thread` says whether its caller runs on the thread of `world`.
  deadlines(rt::world& world, std::function<bool()> is_own_thread)
      : world_(&world), is_own_thread_(std::move(is_own_thread)) {}

  [[nodiscard]] bool may_wait() override;
  std::uint64_t call_after(std::chrono::nanoseconds time, std::move_only_function<void()> what) override;
  void forget(std::uint64_t number) override;
  /// The world is about to go: no deadline comes any more. Any thread.
  void detach();

 private:
  static rt::task<void> wait(std::shared_ptr<deadlines> self, rt::world& world, rt::time_point until);
  void set(rt::world& world, std::uint64_t number, rt::duration time);
  void run_due(rt::world& world);

  std::mutex mutex_;
  /// Null once detached.
  rt::world* world_;
  std::function<bool()> is_own_thread_;
  std::uint64_t next_number_ = 1;
  std::map<std::uint64_t, std::move_only_function<void()>> waiting_;

  /// The rest belongs to the client's thread. Numbers that were forgotten stay until their time or the next tidying.
  std::multimap<rt::time_point, std::uint64_t> by_time_;
  /// The earliest time that somebody sleeps for.
  rt::time_point next_wake_ = rt::time_point::max();
};

}  // namespace moldau::client
