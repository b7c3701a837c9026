#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "rt/world.hpp"

namespace moldau::rt_asio {

/// The timers of one core, as a heap by time; timers of the same time fire in the order in which they were set.
///
/// Most timers are cancelled long before they are due (a fetch that waits for data, a request's timeout), so setting
/// and cancelling touch only this heap, and the system's one timer is armed for the earliest alone. One thread.
class timer_queue {
 public:
  timer_queue() = default;
  timer_queue(const timer_queue&) = delete;
  timer_queue& operator=(const timer_queue&) = delete;
  ~timer_queue() { clear(); }

  [[nodiscard]] std::unique_ptr<rt::timer> add(rt::time_point at, rt::work what);
  /// When the earliest timer is due.
  [[nodiscard]] std::optional<rt::time_point> next() const;
  /// Runs what is due by `now`, but for what is set meanwhile, so that a timer which sets itself again can't hold the
  /// core.
  void fire_due(rt::time_point now);
  /// Drops every timer's work; the handles that are still held become harmless.
  void clear();
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

 private:
  class entry;
  struct slot {
    rt::time_point at;
    std::uint64_t sequence;
    entry* owner;

    [[nodiscard]] bool before(const slot& other) const {
      return at != other.at ? at < other.at : sequence < other.sequence;
    }
  };

  void remove(std::size_t index);
  void put(std::size_t index, const slot& what);
  void sift_up(std::size_t index, const slot& what);
  void sift_down(std::size_t index, const slot& what);

  std::vector<slot> heap_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace moldau::rt_asio
