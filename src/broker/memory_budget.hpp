#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "rt/completion.hpp"
#include "rt/task.hpp"

namespace moldau::broker {

/// A core's share of `queued.max.request.bytes`: connections take from it as a request's body comes in, and give back
/// when it is answered. What the request takes once it is decoded is charged as well.
///
/// A request begins while anything is left, and takes more as its bytes come: what a client merely claims costs nobody
/// anything. So that requests which have begun don't wait for one another, one at a time borrows what isn't there; that
/// is also how one larger than the whole budget gets through.
class memory_budget {
 public:
  /// What one request holds.
  struct share {
    std::size_t bytes = 0;
    bool borrows = false;
  };

  explicit memory_budget(std::size_t limit_bytes) : limit_(static_cast<std::ptrdiff_t>(limit_bytes)), left_(limit_) {}

  /// For a request that begins: waits, first come first served, until something is left; then takes `bytes`.
  rt::task<void> take(std::size_t bytes, share& of) {
    if (left_ > 0 && beginning_.empty()) {
      charge(bytes, of);
    } else {
      co_await wait_in(beginning_, bytes, of);
    }
  }
  /// For one that has begun: takes `bytes` more at once, if it may.
  [[nodiscard]] bool try_grow(std::size_t bytes, share& of) {
    if (!of.borrows && (left_ <= 0 || !growing_.empty())) {
      if (is_borrowed_) return false;
      is_borrowed_ = of.borrows = true;
    }
    charge(bytes, of);
    return true;
  }
  /// The same, but waits until it may, before those that begin. Nothing may move `of` meanwhile.
  rt::task<void> grow(std::size_t bytes, share& of) { co_await wait_in(growing_, bytes, of); }
  /// Takes without waiting.
  void charge(std::size_t bytes, share& of) {
    of.bytes += bytes;
    left_ -= static_cast<std::ptrdiff_t>(bytes);
  }
  /// Gives back all. Those whose turn it is run inside this call.
  void give_back(share of) {
    left_ += static_cast<std::ptrdiff_t>(of.bytes);
    if (of.borrows) is_borrowed_ = false;
    // They may give back in their turn: that is left to the outermost call, as there may be thousands of them.
    if (std::exchange(waking_, true)) return;
    while (true) {
      if (!growing_.empty() && (left_ > 0 || !is_borrowed_)) {
        if (left_ <= 0) is_borrowed_ = growing_.front()->of.borrows = true;
        wake(growing_);
      } else if (!beginning_.empty() && left_ > 0) {
        wake(beginning_);
      } else {
        break;
      }
    }
    waking_ = false;
  }
  /// Gives back a part of what a request holds that goes on. As with `give_back`, others may run inside this call.
  void shrink(std::size_t bytes, share& of) {
    of.bytes -= bytes;
    give_back({.bytes = bytes});
  }
  /// Whether more than half is left.
  [[nodiscard]] bool is_ample() const { return left_ > limit_ / 2; }
  /// Whether somebody waits.
  [[nodiscard]] bool is_short() const { return !beginning_.empty() || !growing_.empty(); }
  /// Below 0 while a request borrows, or more was charged.
  [[nodiscard]] std::ptrdiff_t left_bytes() const { return left_; }
  [[nodiscard]] std::ptrdiff_t limit_bytes() const { return limit_; }

 private:
  struct waiter {
    std::size_t bytes;
    share& of;
    rt::completion<bool> turn;
  };

  rt::task<void> wait_in(std::deque<waiter*>& line, std::size_t bytes, share& of) {
    waiter self{.bytes = bytes, .of = of, .turn = {}};
    line.push_back(&self);
    co_await self.turn;
  }
  void wake(std::deque<waiter*>& line) {
    waiter& next = *line.front();
    line.pop_front();
    charge(next.bytes, next.of);
    next.turn.set(true);
  }

  std::ptrdiff_t limit_;
  std::ptrdiff_t left_;
  /// Requests that can't begin, and those that have begun and can't go on.
  std::deque<waiter*> beginning_;
  std::deque<waiter*> growing_;
  bool is_borrowed_ = false;
  bool waking_ = false;
};

}  // namespace moldau::broker
