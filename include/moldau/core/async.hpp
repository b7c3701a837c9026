#pragma once

#include <chrono>
#include <coroutine>
#include <functional>
#include <memory>
#include <stop_token>
#include <utility>

#include "moldau/core/async_state.hpp"
#include "moldau/core/executor.hpp"
#include "moldau/core/result.hpp"

namespace moldau {

template <typename T>
class promise;

/// A value to come from a client's own thread, taken once and in one of three ways:
///
///     auto done = producer.send(record).get();                                // waits
///     producer.send(record).then([](result<delivery> done) { … });            // calls back
///     result<delivery> done = co_await producer.send(record);                 // resumes
///
/// A callback or a resumption runs on the client's executor, or without one on the client's I/O thread (where nothing
/// may block), or at once if the value is there already. A handle belongs to one thread at a time.
///
/// Every call may be given a deadline and a way to be cancelled, which costs nothing where it isn't used:
///
///     auto topics = co_await admin.list_topics().within(5s).stopped_by(token);
///
/// Dropping an `async` leaves the operation running, whose outcome nobody hears of then. So does destroying a coroutine
/// that awaits one: do it on the thread that would resume it.
template <typename T>
class [[nodiscard]] async {
 public:
  using value_type = T;

  async(async&&) noexcept = default;
  async& operator=(async&&) noexcept = default;

  [[nodiscard]] bool is_ready() const { return state_->is_set(); }

  /// Fails the call with `errc::timed_out` if its value hasn't come in that time. What it asked for isn't tried again
  /// from then on; whether it was carried out isn't known.
  template <typename Rep, typename Period>
  async within(std::chrono::duration<Rep, Period> time) && {
    state_->end_after(std::chrono::duration_cast<std::chrono::nanoseconds>(time));
    return std::move(*this);
  }
  /// Fails the call with `errc::cancelled` when the token's source is asked to stop.
  async stopped_by(const std::stop_token& token) && {
    state_->end_with(token);
    return std::move(*this);
  }
  /// Fails the call with `errc::cancelled` now, if its value hasn't come: whoever waits for it is told, and what it
  /// asked for isn't tried again.
  void cancel() { state_->cancel(); }

  /// Waits for the value. Errors, beside the call's own: `errc::invalid_argument` on the client's own thread (and in
  /// the simulator), where it would wait for itself.
  result<T> get() {
    if (!state_->may_wait()) return waits_for_itself();
    state_->wait();
    return state_->take();
  }
  /// Waits at most that long. Errors: `errc::timed_out`; the operation goes on, and the value may be asked for again.
  template <typename Rep, typename Period>
  result<T> get_for(std::chrono::duration<Rep, Period> time) {
    if (!state_->may_wait()) return waits_for_itself();
    if (!state_->wait_for(std::chrono::duration_cast<std::chrono::nanoseconds>(time))) {
      return fail(errc::timed_out, "the value didn't come within the time given");
    }
    return state_->take();
  }

  /// Calls `handler` with the `result<T>`.
  template <typename Handler>
  void then(Handler handler) && {
    std::move_only_function<void()> call = [state = state_, handler = std::move(handler)]() mutable {
      handler(state->take());
    };
    if (!state_->when_set(call)) call();
  }

  auto operator co_await() && {
    struct awaiter {
      detail::counted<detail::async_state<T>> state;
      bool waits = false;

      explicit awaiter(detail::counted<detail::async_state<T>> of) : state(std::move(of)) {}
      awaiter(const awaiter&) = delete;
      awaiter& operator=(const awaiter&) = delete;
      ~awaiter() {
        if (waits) state->forget_next();
      }
      bool await_ready() { return state->is_set(); }
      bool await_suspend(std::coroutine_handle<> waiting) {
        // Once it is kept, another thread may resume this frame: nothing here may be touched behind that.
        waits = true;
        std::move_only_function<void()> resume = [waiting] { waiting.resume(); };
        const auto alive = state;
        if (alive->when_set(resume)) return true;
        waits = false;
        return false;
      }
      result<T> await_resume() {
        waits = false;
        return state->take();
      }
    };
    return awaiter{state_};
  }

 private:
  friend class promise<T>;
  explicit async(detail::counted<detail::async_state<T>> state) : state_(std::move(state)) {}

  static result<T> waits_for_itself() {
    return fail(errc::invalid_argument,
                "get() on the client's own thread would wait for itself: use then() or co_await there");
  }

  detail::counted<detail::async_state<T>> state_;
};

/// Tells who carries a call out whether anybody still waits for it.
class call_token {
 public:
  /// Of a call that nobody can cancel.
  call_token() = default;
  explicit call_token(detail::counted<detail::async_base> of) : of_(std::move(of)) {}

  [[nodiscard]] bool is_cancelled() const { return of_ && of_->is_set(); }

 private:
  detail::counted<detail::async_base> of_;
};

/// What becomes of the waiting when every promise has gone without a value: it fails with `errc::closed`, or goes on
/// (in a simulation, where a dead process must not wake anybody).
enum class when_abandoned : unsigned char { fail, leave };

/// The side that gives the value. Copies give the same one; the first `set` counts. Any thread.
///
/// For those who write a client's like; whoever uses one only sees `async`.
template <typename T>
class promise {
 public:
  explicit promise(executor* handlers = nullptr, when_abandoned abandoned = when_abandoned::fail,
                   std::shared_ptr<detail::client_thread> home = nullptr)
      : state_(new detail::async_state<T>(handlers, std::move(home), abandoned == when_abandoned::fail)) {
    state_->add_promise();
  }
  promise(const promise& other) : state_(other.state_) {
    if (state_) state_->add_promise();
  }
  promise(promise&&) noexcept = default;
  promise& operator=(promise other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~promise() {
    if (state_) state_->drop_promise();
  }

  [[nodiscard]] async<T> get_async() const { return async<T>(state_); }
  /// False if there was a value already: the caller cancelled, or its deadline passed.
  bool set(result<T> value) const { return state_->set(value); }
  /// The same, but leaves the value where it is if nobody takes it.
  bool offer(result<T>& value) const { return state_->set(value); }
  [[nodiscard]] call_token token() const { return call_token(detail::counted<detail::async_base>(state_.get())); }
  /// Called, on any thread, when the caller cancels or its deadline passes.
  void on_cancel(std::move_only_function<void()> what) const { state_->on_cancel(std::move(what)); }

 private:
  detail::counted<detail::async_state<T>> state_;
};

}  // namespace moldau
