#pragma once

#include <coroutine>
#include <deque>
#include <utility>

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

  async_mutex() = default;
  async_mutex(const async_mutex&) = delete;
  async_mutex& operator=(const async_mutex&) = delete;

  /// `auto held = co_await m.lock();`: released by the guard's destructor, which may run the next in line at once.
  [[nodiscard]] auto lock() {
    struct awaiter {
      async_mutex& self;
      bool await_ready() const noexcept { return !std::exchange(self.locked_, true); }
      void await_suspend(std::coroutine_handle<> waiting) { self.waiting_.push_back(waiting); }
      guard await_resume() const noexcept { return guard(self); }
    };
    return awaiter{*this};
  }
  [[nodiscard]] bool locked() const { return locked_; }

 private:
  void release() {
    if (waiting_.empty()) {
      locked_ = false;
      return;
    }
    auto next = waiting_.front();
    waiting_.pop_front();
    next.resume();
  }

  bool locked_ = false;
  std::deque<std::coroutine_handle<>> waiting_;
};

}  // namespace moldau::storage
