#pragma once

#include <coroutine>
#include <cstddef>

#include "base/assert.hpp"
#include "rt/completion.hpp"
#include "rt/task.hpp"

namespace moldau::rt {

/// Starts `what` now and lets it run on its own; its frame goes when it ends. An exception that leaves it reaches the
/// caller of whatever resumed it, which is the core's loop.
inline void spawn(task<void> what) {
  struct detached {
    struct promise_type {
      detached get_return_object() const noexcept { return {}; }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() const { throw; }
    };
  };
  [](task<void> inner) -> detached { co_await std::move(inner); }(std::move(what));
}

/// Counts tasks that run on their own, so that their owner can wait for the last one before it goes.
class gate {
 public:
  /// As `rt::spawn`, counted.
  void spawn(task<void> what) {
    ++running_;
    rt::spawn(counted(std::move(what)));
  }
  [[nodiscard]] std::size_t running() const { return running_; }
  /// Waits until nothing counted runs any more. One waiter at a time.
  task<void> drained() {
    while (running_ > 0) {
      completion<bool> last;
      last_ = &last;
      co_await last;
    }
  }

 private:
  task<void> counted(task<void> what) {
    struct leave {
      gate& self;
      ~leave() {
        if (--self.running_ == 0 && self.last_ != nullptr) std::exchange(self.last_, nullptr)->set(true);
      }
    } on_exit{*this};
    co_await std::move(what);
  }

  std::size_t running_ = 0;
  completion<bool>* last_ = nullptr;
};

}  // namespace moldau::rt
