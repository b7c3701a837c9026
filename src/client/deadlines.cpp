#include "client/deadlines.hpp"

#include <vector>

#include "rt/spawn.hpp"

namespace moldau::client {

bool deadlines::may_wait() {
  const std::lock_guard held(mutex_);
  return world_ == nullptr || !is_own_thread_();
}

std::uint64_t deadlines::call_after(std::chrono::nanoseconds time, std::move_only_function<void()> what) {
  const std::lock_guard held(mutex_);
  const std::uint64_t number = next_number_++;
  if (world_ == nullptr) return number;
  waiting_.emplace(number, std::move(what));
  world_->post([self = shared_from_this(), world = world_, number, time] { self->set(*world, number, time); });
  return number;
}

void deadlines::forget(std::uint64_t number) {
  std::move_only_function<void()> dropped;
  const std::lock_guard held(mutex_);
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  dropped = std::move(found->second);
  waiting_.erase(found);
}

void deadlines::detach() {
  decltype(waiting_) dropped;
  const std::lock_guard held(mutex_);
  world_ = nullptr;
  dropped.swap(waiting_);
}

void deadlines::set(rt::world& world, std::uint64_t number, rt::duration time) {
  {
    const std::lock_guard held(mutex_);
    if (!waiting_.contains(number)) return;
    // Calls mostly end long before their deadline: what they leave here is taken out when it is most of all.
    if (by_time_.size() > 2 * waiting_.size() + 64) {
      std::erase_if(by_time_, [&](const auto& entry) { return !waiting_.contains(entry.second); });
    }
  }
  const rt::time_point at = world.now() + time;
  by_time_.emplace(at, number);
  if (at >= next_wake_) return;
  next_wake_ = at;
  rt::spawn(wait(shared_from_this(), world, at));
}

rt::task<void> deadlines::wait(std::shared_ptr<deadlines> self, rt::world& world, rt::time_point until) {
  // A weak hold: a client that has gone needs no sleeper's memory.
  const std::weak_ptr<deadlines> weak = std::exchange(self, nullptr);
  co_await world.sleep_until(until);
  if (const auto alive = weak.lock()) alive->run_due(world);
}

void deadlines::run_due(rt::world& world) {
  const rt::time_point now = world.now();
  std::vector<std::move_only_function<void()>> due;
  {
    const std::lock_guard held(mutex_);
    while (!by_time_.empty() && by_time_.begin()->first <= now) {
      if (const auto found = waiting_.find(by_time_.begin()->second); found != waiting_.end()) {
        due.push_back(std::move(found->second));
        waiting_.erase(found);
      }
      by_time_.erase(by_time_.begin());
    }
  }
  if (next_wake_ <= now) {
    next_wake_ = by_time_.empty() ? rt::time_point::max() : by_time_.begin()->first;
    if (!by_time_.empty()) rt::spawn(wait(shared_from_this(), world, next_wake_));
  }
  for (auto& each : due) each();
}

}  // namespace moldau::client
