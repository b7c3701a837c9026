#pragma once

#include <coroutine>
#include <deque>
#include <utility>

#include "rt/world.hpp"

namespace moldau::storage {

/// Lets coroutines of one core through one after another, in order of arrival; they may suspend while they hold it.
class async_mutex {
 public:
  class guard {
   public:
    explicit guard(async_mutex& held) : held_(&held) {}
    guard(guard&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    guard& operator=(guard&&) = delete;
    guard(const guard&) = delete;
    guard& operator=(const guard&) = delete;
    ~guard() {
      if (held_ != nullptr) held_->release();
    }

   private:
    async_mutex* held_;
  };

  explicit async_mutex(rt::world& world) : world_(world) {}
  async_mutex(const async_mutex&) = delete;
  async_mutex& operator=(const async_mutex&) = delete;

  /// `auto held = co_await m.lock();`: released by the guard's destructor; the next in line runs by the core's queue,
  /// when the holder's frame is gone.
  [[nodiscard]] auto lock() {
    struct awaiter {
      async_mutex& self;
      bool await_ready() const noexcept { return !std::exchange(self.locked_, true); }
      void await_suspend(std::coroutine_handle<> waiting) { self.waiting_.push_back(waiting); }
      guard await_resume() const noexcept { return guard(self); }
    };
    return awaiter{*this};
  }

 private:
  void release() {
    if (waiting_.empty()) {
      locked_ = false;
      return;
    }
    world_.post([next = waiting_.front()] { next.resume(); });
    waiting_.pop_front();
  }

  rt::world& world_;
  bool locked_ = false;
  std::deque<std::coroutine_handle<>> waiting_;
};

}  // namespace moldau::storage
