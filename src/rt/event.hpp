#pragma once

#include <coroutine>
#include <utility>
#include <vector>

namespace moldau::rt {

/// Wakes everybody who waits, each time it is notified. Waiting and notifying happen on one core; the woken run inside
/// `notify_all`, so they see what the notifier had finished, and the notifier must be ready to be re-entered.
class event {
 public:
  event() = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  void notify_all() {
    auto woken = std::exchange(waiting_, {});
    for (auto handle : woken) handle.resume();
  }
  [[nodiscard]] bool has_waiters() const { return !waiting_.empty(); }

  /// `co_await e.wait()`: until the next notification.
  [[nodiscard]] auto wait() {
    struct awaiter {
      event& self;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) { self.waiting_.push_back(handle); }
      void await_resume() const noexcept {}
    };
    return awaiter{*this};
  }

 private:
  std::vector<std::coroutine_handle<>> waiting_;
};

}  // namespace moldau::rt
