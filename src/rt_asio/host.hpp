#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/log.hpp"
#include "rt/world.hpp"

namespace moldau::rt_asio {

/// The real world: one single-threaded event loop a core, with the operating system's clock, files and sockets.
///
/// Made, then given its first work with `core(i).post(...)`, then `run`. What runs on a core may use that core's world
/// as `rt::world` says. The host must outlive everything that holds one of its worlds, timers or connections.
///
///     rt_asio::host host({.cores = 2, .log = &sink});
///     host.on_signal({SIGTERM, SIGINT}, [&](int) { begin_shutdown(host); });
///     host.core(0).post([&] { rt::spawn(serve(host.core(0))); });
///     host.run();
class host {
 public:
  struct options {
    /// Event loops, each on a thread of its own. 0: as many as the process may use CPUs.
    unsigned cores = 0;
    /// The most worker threads for blocking calls, shared by all cores and started as they are needed.
    unsigned workers = 8;
    /// Where the worlds log to; nowhere if null. Must outlive the host.
    base::log_sink* log = nullptr;
    base::log_level least = base::log_level::info;
  };

  explicit host(options chosen);
  /// After `run` has returned (or before it was called). Work that never ran is dropped.
  ~host();
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  [[nodiscard]] unsigned core_count() const;
  [[nodiscard]] rt::world& core(unsigned index);

  /// Runs every core until `stop`, core 0 on the calling thread; once. Returns when the cores' threads have ended and
  /// the workers have finished what they had been given. Throws what left a core's loop as an exception.
  void run();
  /// Ends the loops after what they are doing just now; any thread, any number of times. What is posted from then on is
  /// dropped, and `run` takes down the coroutines that still wait where they stand. For an orderly end, finish the work
  /// first and stop last.
  void stop();

  /// Calls `what` on core 0 with the number of each signal of `signals` that arrives, in place of the system's default.
  /// Before `run`, or on core 0.
  void on_signal(const std::vector<int>& signals, std::function<void(int)> what);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace moldau::rt_asio
