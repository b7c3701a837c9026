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
    const auto first = std::exchange(first_, nullptr);
    const auto woken = std::exchange(others_, {});
    // Whoever is woken may end this event: nothing of it is touched any more.
    if (first) first.resume();
    for (const auto handle : woken) handle.resume();
  }
  [[nodiscard]] bool has_waiters() const { return first_ != nullptr; }

  /// `co_await e.wait()`: until the next notification.
  [[nodiscard]] auto wait() {
    struct awaiter {
      event& self;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) {
        if (self.first_ == nullptr) {
          self.first_ = handle;
        } else {
          self.others_.push_back(handle);
        }
      }
      void await_resume() const noexcept {}
    };
    return awaiter{*this};
  }

 private:
  /// Mostly the only one, so that waiting takes no memory.
  std::coroutine_handle<> first_;
  std::vector<std::coroutine_handle<>> others_;
};

}  // namespace moldau::rt
