#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

#include "base/assert.hpp"
#include "bytes/block_pool.hpp"
#include "rt/completion.hpp"
#include "rt/task.hpp"

namespace moldau::rt {

/// The frames of spawned tasks that haven't ended, so that whoever runs them can take them down: a simulated process
/// that was killed, a loop that stops. Belongs to one thread.
///
/// Which list a frame joins is ambient (the innermost `scope` on this thread) rather than an argument, so that code
/// spawns the same way everywhere; without a scope a frame joins none and lives until it ends.
class detached_frames {
 public:
  detached_frames() = default;
  detached_frames(const detached_frames&) = delete;
  detached_frames& operator=(const detached_frames&) = delete;
  ~detached_frames() { destroy_all(); }

  /// Destroys every frame where it is suspended, the newest first, so that what an older one owns outlives the frames
  /// that were started later and use it. No frame of the list may be running, and nothing may resume one afterwards:
  /// drop queues and timers first. A destructor in a frame must not resume another frame.
  void destroy_all() {
    while (newest_ != nullptr) {
      node& last = *newest_;
      last.unlink();
      last.self_.destroy();
    }
  }
  [[nodiscard]] bool empty() const { return newest_ == nullptr; }

  /// While it lives, what this thread spawns joins `frames` (none, if null).
  class scope {
   public:
    explicit scope(detached_frames* frames) : before_(std::exchange(current(), frames)) {}
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() { current() = before_; }

   private:
    detached_frames* before_;
  };

  /// A frame's place in the list; leaves it when destroyed.
  class node {
   public:
    node() = default;
    node(const node&) = delete;
    node& operator=(const node&) = delete;
    ~node() { unlink(); }

    void join(std::coroutine_handle<> self) {
      owner_ = current();
      if (owner_ == nullptr) return;
      self_ = self;
      older_ = owner_->newest_;
      if (older_ != nullptr) older_->newer_ = this;
      owner_->newest_ = this;
    }

   private:
    friend class detached_frames;
    void unlink() {
      if (owner_ == nullptr) return;
      (newer_ != nullptr ? newer_->older_ : owner_->newest_) = older_;
      if (older_ != nullptr) older_->newer_ = newer_;
      owner_ = nullptr;
    }

    detached_frames* owner_ = nullptr;
    node* newer_ = nullptr;
    node* older_ = nullptr;
    std::coroutine_handle<> self_;
  };

 private:
  /// In a source file, so that a process has one list a thread, however many shared libraries this code is in: the
  /// installed simulator sets the scope that the installed client's coroutines join.
  static detached_frames*& current();

  node* newest_ = nullptr;
};

/// Starts `what` now and lets it run on its own; its frame goes when it ends, or with the `detached_frames` that it
/// joined. An exception that leaves it reaches the caller of whatever resumed it, which is the core's loop.
inline void spawn(task<void> what) {
  struct detached {
    struct promise_type : bytes::pooled {
      detached_frames::node place;
      detached get_return_object() noexcept {
        place.join(std::coroutine_handle<promise_type>::from_promise(*this));
        return {};
      }
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
    std::exception_ptr failure;
    try {
      // What the task owns goes before the count falls: whoever waits for that may be about to take its world away.
      task<void> running = std::move(what);
      co_await std::move(running);
    } catch (...) {
      failure = std::current_exception();
    }
    // Not in a destructor: a frame that is destroyed unfinished must not resume whoever waits for the gate.
    if (--running_ == 0 && last_ != nullptr) std::exchange(last_, nullptr)->set(true);
    if (failure) std::rethrow_exception(failure);
  }

  std::size_t running_ = 0;
  completion<bool>* last_ = nullptr;
};

}  // namespace moldau::rt
