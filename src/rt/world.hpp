#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/log.hpp"
#include "rt/completion.hpp"
#include "rt/file.hpp"
#include "rt/task.hpp"
#include "rt/transport.hpp"

namespace moldau::rt {

/// A point on the monotonic clock, in nanoseconds; only differences mean anything.
using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using duration = std::chrono::nanoseconds;

using work = std::move_only_function<void()>;

/// A timer that was set; destroying it or `cancel` keeps it from firing. Belongs to the core that set it.
class timer {
 public:
  virtual ~timer() = default;
  virtual void cancel() = 0;
};

/// Everything that moldau takes from outside itself, as one core sees it: clocks, timers, random numbers, its own
/// queue, the host's other cores, worker threads, files and sockets.
///
/// A host owns one world a core. All calls are made on the world's own core, but for `post`, which any thread may call.
/// The real one is `rt_asio`, the simulated one `testing/sim`; code that takes a world can't tell which it has.
class world {
 public:
  virtual ~world() = default;

  [[nodiscard]] virtual time_point now() const = 0;
  /// Milliseconds since 1970, by a clock that may step.
  [[nodiscard]] virtual std::int64_t wall_ms() const = 0;
  /// 64 random bits.
  [[nodiscard]] virtual std::uint64_t random() = 0;

  /// Runs `what` on this core, after what is queued already. Any thread may call it.
  virtual void post(work what) = 0;
  /// Runs `what` on this core once `at` has come. Keep the handle: dropping it cancels.
  [[nodiscard]] virtual std::unique_ptr<timer> post_at(time_point at, work what) = 0;

  [[nodiscard]] virtual unsigned core() const = 0;
  [[nodiscard]] virtual unsigned core_count() const = 0;
  /// The world of another core of this host: `post` on it is how work crosses. Work from one core to another stays in
  /// order.
  [[nodiscard]] virtual world& on_core(unsigned index) = 0;

  [[nodiscard]] virtual file_system& files() = 0;
  [[nodiscard]] virtual transport& net() = 0;
  [[nodiscard]] virtual const base::logger& log() const = 0;

  /// Runs `what` on a worker thread, where it may block, and `then` back on this core.
  virtual void run_on_worker(work what, work then) = 0;

  /// `co_await w.offload([&] { return …; })`: a blocking call on a worker, its result here. References into the
  /// awaiting frame are fine. Exceptions travel back.
  template <typename F>
  [[nodiscard]] auto offload(F what) {
    using T = std::invoke_result_t<F&>;
    using stored = std::conditional_t<std::is_void_v<T>, bool, T>;
    struct awaiter {
      world& self;
      F what;
      std::optional<stored> value;
      std::exception_ptr failure;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) {
        self.run_on_worker(
            [this] {
              try {
                if constexpr (std::is_void_v<T>) {
                  what();
                  value.emplace(true);
                } else {
                  value.emplace(what());
                }
              } catch (...) {
                failure = std::current_exception();
              }
            },
            [waiting] { waiting.resume(); });
      }
      T await_resume() {
        if (failure) std::rethrow_exception(failure);
        if constexpr (!std::is_void_v<T>) return *std::move(value);
      }
    };
    return awaiter{*this, std::move(what), std::nullopt, nullptr};
  }

  /// `co_await w.sleep_until(t)`.
  [[nodiscard]] auto sleep_until(time_point at) {
    struct awaiter {
      world& self;
      time_point at;
      std::unique_ptr<timer> pending;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> waiting) {
        pending = self.post_at(at, [waiting] { waiting.resume(); });
      }
      void await_resume() const noexcept {}
    };
    return awaiter{*this, at, nullptr};
  }
  [[nodiscard]] auto sleep_for(duration time) { return sleep_until(now() + time); }

  /// `co_await here.call_on(core, fn)`: runs the coroutine that `fn()` returns on that core and brings its value back.
  /// On the own core it is a plain await. References into the awaiting frame are fine as long as both sides take care
  /// to touch them in turn.
  template <typename F>
  auto call_on(unsigned index, F fn) -> std::invoke_result_t<F&>;
};

}  // namespace moldau::rt

#include "rt/spawn.hpp"

namespace moldau::rt {

template <typename F>
auto world::call_on(unsigned index, F fn) -> std::invoke_result_t<F&> {
  using task_type = std::invoke_result_t<F&>;
  using T = decltype(std::declval<typename task_type::promise_type>().take());
  if (index == core()) co_return co_await fn();
  struct crossing {
    world& home;
    world& away;
    F& fn;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    std::exception_ptr failure;
    static task<void> run(crossing& self, std::coroutine_handle<> waiting) {
      world& home = self.home;
      try {
        if constexpr (std::is_void_v<T>) {
          co_await self.fn();
          self.value.emplace(true);
        } else {
          self.value.emplace(co_await self.fn());
        }
      } catch (...) {
        self.failure = std::current_exception();
      }
      home.post([waiting] { waiting.resume(); });
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      away.post([this, waiting] { spawn(run(*this, waiting)); });
    }
    T await_resume() {
      if (failure) std::rethrow_exception(failure);
      if constexpr (!std::is_void_v<T>) return *std::move(value);
    }
  };
  co_return co_await crossing{*this, on_core(index), fn, std::nullopt, nullptr};
}

}  // namespace moldau::rt
