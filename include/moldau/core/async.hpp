#pragma once

#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "moldau/core/executor.hpp"
#include "moldau/core/result.hpp"

namespace moldau {

template <typename T>
class promise;

namespace detail {

/// What an `async` and its `promise` share.
template <typename T>
class async_state {
 public:
  explicit async_state(executor* handlers) : handlers_(handlers) {}

  bool set(result<T> value) {
    std::function<void()> next;
    {
      const std::lock_guard held(mutex_);
      if (is_set_) return false;
      is_set_ = true;
      value_.emplace(std::move(value));
      next = std::exchange(next_, nullptr);
      on_cancel_ = nullptr;
    }
    ready_.notify_all();
    if (next) run(std::move(next));
    return true;
  }

  [[nodiscard]] bool is_set() {
    const std::lock_guard held(mutex_);
    return is_set_;
  }

  /// Calls `next` once the value is there; true if it is there already and `next` wasn't kept.
  bool when_set(std::function<void()> next) {
    const std::lock_guard held(mutex_);
    if (is_set_) return true;
    next_ = std::move(next);
    return false;
  }

  void wait() {
    std::unique_lock held(mutex_);
    ready_.wait(held, [this] { return is_set_; });
  }
  bool wait_for(std::chrono::nanoseconds time) {
    std::unique_lock held(mutex_);
    return ready_.wait_for(held, time, [this] { return is_set_; });
  }

  result<T> take() {
    const std::lock_guard held(mutex_);
    if (!value_) return fail(errc::invalid_argument, "the value of an async can be taken once");
    result<T> out = *std::move(value_);
    value_.reset();
    return out;
  }

  void on_cancel(std::function<void()> what) {
    const std::lock_guard held(mutex_);
    if (!is_set_) on_cancel_ = std::move(what);
  }
  void cancel() {
    std::function<void()> tell;
    {
      const std::lock_guard held(mutex_);
      tell = std::exchange(on_cancel_, nullptr);
    }
    if (set(fail(errc::cancelled, "the caller cancelled; whether it was carried out isn't known")) && tell) tell();
  }

 private:
  void run(std::function<void()> next) {
    if (handlers_ != nullptr) {
      handlers_->post(std::move(next));
    } else {
      next();
    }
  }

  executor* handlers_;
  std::mutex mutex_;
  std::condition_variable ready_;
  bool is_set_ = false;
  std::optional<result<T>> value_;
  std::function<void()> next_;
  std::function<void()> on_cancel_;
};

}  // namespace detail

/// A value to come from a client's own thread, taken once and in one of three ways:
///
///     auto done = producer.send(record).get();                                // waits
///     producer.send(record).then([](result<delivery> done) { … });            // calls back
///     result<delivery> done = co_await producer.send(record);                 // resumes
///
/// A callback or a resumption runs on the client's executor, or without one on the client's I/O thread (where nothing
/// may block), or at once if the value is there already. Dropping an `async` leaves the operation running.
/// A handle belongs to one thread at a time.
template <typename T>
class [[nodiscard]] async {
 public:
  using value_type = T;

  async(async&&) noexcept = default;
  async& operator=(async&&) noexcept = default;

  [[nodiscard]] bool is_ready() const { return state_->is_set(); }

  /// Waits for the value. Never on the client's I/O thread.
  result<T> get() {
    state_->wait();
    return state_->take();
  }
  /// Waits at most that long. Errors: `errc::timed_out`; the operation goes on, and the value may be asked for again.
  template <typename Rep, typename Period>
  result<T> get_for(std::chrono::duration<Rep, Period> time) {
    if (!state_->wait_for(std::chrono::duration_cast<std::chrono::nanoseconds>(time))) {
      return fail(errc::timed_out, "the value didn't come within the time given");
    }
    return state_->take();
  }

  /// Calls `handler` with the `result<T>`.
  template <typename Handler>
  void then(Handler handler) && {
    auto shared = std::make_shared<Handler>(std::move(handler));
    auto call = [state = state_, shared] { (*shared)(state->take()); };
    if (state_->when_set(call)) call();
  }

  auto operator co_await() && {
    struct awaiter {
      std::shared_ptr<detail::async_state<T>> state;
      bool await_ready() { return state->is_set(); }
      bool await_suspend(std::coroutine_handle<> waiting) {
        return !state->when_set([waiting] { waiting.resume(); });
      }
      result<T> await_resume() { return state->take(); }
    };
    return awaiter{state_};
  }

  /// Ends the waiting with `errc::cancelled`; the operation may have been carried out, or be carried out yet.
  void cancel() { state_->cancel(); }

 private:
  friend class promise<T>;
  explicit async(std::shared_ptr<detail::async_state<T>> state) : state_(std::move(state)) {}

  std::shared_ptr<detail::async_state<T>> state_;
};

/// What becomes of the waiting when every promise has gone without a value: it fails with `errc::closed`, or goes on
/// (in a simulation, where a dead process must not wake anybody).
enum class when_abandoned : unsigned char { fail, leave };

/// The side that gives the value. Copies give the same one; the first `set` counts. Any thread.
template <typename T>
class promise {
 public:
  explicit promise(executor* handlers = nullptr, when_abandoned abandoned = when_abandoned::fail)
      : owner_(std::make_shared<owner>(handlers, abandoned)) {}

  [[nodiscard]] async<T> get_async() const { return async<T>(owner_->state); }
  /// False if there was a value already (a cancelled caller's).
  bool set(result<T> value) const { return owner_->state->set(std::move(value)); }
  /// Called when the caller cancels.
  void on_cancel(std::function<void()> what) const { owner_->state->on_cancel(std::move(what)); }

 private:
  struct owner {
    owner(executor* handlers, when_abandoned then)
        : state(std::make_shared<detail::async_state<T>>(handlers)), abandoned(then) {}
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner() {
      if (abandoned == when_abandoned::fail) state->set(moldau::fail(errc::closed, "the client has been closed"));
    }
    std::shared_ptr<detail::async_state<T>> state;
    when_abandoned abandoned;
  };
  std::shared_ptr<owner> owner_;
};

}  // namespace moldau
