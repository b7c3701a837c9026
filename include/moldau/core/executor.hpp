#pragma once

#include <chrono>
#include <functional>

namespace moldau {

/// Where a caller wants handlers and resumptions to run: its own event loop, a thread pool, a test's queue.
///
/// The one interface of moldau that users implement. Must outlive every client that was given it.
class executor {
 public:
  using work = std::move_only_function<void()>;
  /// A point on a clock that never goes back; only differences mean anything.
  using time_point = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

  virtual ~executor() = default;

  /// Runs `what` soon, never inside this call. Any thread may call it. What was posted by one thread runs in order
  /// where the executor runs one thing at a time.
  virtual void post(work what) = 0;
  /// Runs `what` once `at` has come.
  virtual void post_at(time_point at, work what) = 0;
  [[nodiscard]] virtual time_point now() const = 0;
};

}  // namespace moldau
