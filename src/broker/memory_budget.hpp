#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "rt/completion.hpp"
#include "rt/task.hpp"

namespace moldau::broker {

/// A core's share of `queued.max.request.bytes`: connections take from it before they read a request's body and give
/// back when it is answered. What the request takes once it is decoded is charged as well. As Kafka's memory pool, it
/// lets a request begin while anything is left, so that one larger than the whole budget still gets through alone.
class memory_budget {
 public:
  explicit memory_budget(std::size_t limit_bytes) : limit_(static_cast<std::ptrdiff_t>(limit_bytes)), left_(limit_) {}

  /// Waits, first come first served, until something is left; then takes `bytes`.
  rt::task<void> take(std::size_t bytes) {
    if (left_ > 0 && waiting_.empty()) {
      left_ -= static_cast<std::ptrdiff_t>(bytes);
      co_return;
    }
    waiter self{.bytes = static_cast<std::ptrdiff_t>(bytes), .turn = {}};
    waiting_.push_back(&self);
    co_await self.turn;
  }
  /// Takes without waiting: who holds a request already would otherwise wait for those that wait for it.
  void charge(std::size_t bytes) { left_ -= static_cast<std::ptrdiff_t>(bytes); }
  /// Those whose turn it is run inside this call.
  void give_back(std::size_t bytes) {
    left_ += static_cast<std::ptrdiff_t>(bytes);
    // They may give back in their turn: that is left to the outermost call, as there may be thousands of them.
    if (std::exchange(waking_, true)) return;
    while (left_ > 0 && !waiting_.empty()) {
      waiter& next = *waiting_.front();
      waiting_.pop_front();
      left_ -= next.bytes;
      next.turn.set(true);
    }
    waking_ = false;
  }
  /// Whether somebody can't begin.
  [[nodiscard]] bool is_short() const { return !waiting_.empty(); }
  /// Below 0 while the last request that began is larger than what was left, or more was charged.
  [[nodiscard]] std::ptrdiff_t left_bytes() const { return left_; }
  [[nodiscard]] std::ptrdiff_t limit_bytes() const { return limit_; }

 private:
  struct waiter {
    std::ptrdiff_t bytes;
    rt::completion<bool> turn;
  };

  std::ptrdiff_t limit_;
  std::ptrdiff_t left_;
  std::deque<waiter*> waiting_;
  bool waking_ = false;
};

}  // namespace moldau::broker
