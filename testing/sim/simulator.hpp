#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "testing/sim/host.hpp"
#include "testing/sim/log_book.hpp"
#include "testing/sim/network.hpp"
#include "testing/sim/options.hpp"
#include "testing/sim/process.hpp"
#include "testing/sim/scheduler.hpp"

namespace moldau::testing::sim {

/// Thrown by `simulator::run` when its task can't end: the host's process has, or nothing is left to do, or the time
/// is used up.
struct task_not_ended : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Runs programs written against `rt::world` on any number of hosts, in one thread, in virtual time, with the faults
/// that its options and the scenario ask for. Everything that happens follows from the seed: two runs with the same
/// seed, options and program are the same event by event, which `trace_hash` tells.
///
///     sim::simulator s(seed, sim::rough(seed));
///     sim::host& a = s.add_host("a", 2);
///     a.start([](sim::host& h) -> rt::task<void> { co_await serve(h.core(0)); });
///     s.run_for(10s);
///     a.crash();
///     a.restart();
///     EXPECT_TRUE(s.run_until([&] { return all_is_well(); }, 60s));
///
/// Not thread safe. An exception that leaves a program comes out of the call that ran it. The program must not depend
/// on anything outside of its worlds: no other clock, no random numbers, no order of addresses.
class simulator {
 public:
  explicit simulator(std::uint64_t seed, options settings = calm());
  simulator(const simulator&) = delete;
  simulator& operator=(const simulator&) = delete;

  /// The host's name must be new.
  host& add_host(std::string name, unsigned cores = 1);
  [[nodiscard]] host& host_named(std::string_view name);
  [[nodiscard]] const std::vector<std::unique_ptr<host>>& hosts() const { return hosts_; }

  /// Since the start.
  [[nodiscard]] rt::duration now() const { return queue_.now(); }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  /// What it was made with.
  [[nodiscard]] const options& settings() const { return settings_; }
  /// For the scenario's own choices; apart from what the simulator draws from.
  [[nodiscard]] random_source& random() { return random_; }
  [[nodiscard]] network& net() { return net_; }
  [[nodiscard]] log_book& logs() { return logs_; }
  [[nodiscard]] std::uint64_t trace_hash() const { return queue_.trace_hash(); }
  /// How many events have run.
  [[nodiscard]] std::uint64_t events() const { return queue_.events(); }

  /// For whoever reads a failure: the seed, how to run it again, and the last log lines.
  [[nodiscard]] std::string report(std::size_t log_lines = 200) const;

  /// Runs one event, taking time to it if need be. False if nothing is left to happen.
  bool step();
  /// Runs what happens in that time.
  void run_for(rt::duration time);
  /// Runs until `done` says so, asked between events. False if that doesn't come within `limit`, or nothing is left to
  /// happen.
  bool run_until(const std::function<bool()>& done, rt::duration limit = std::chrono::hours(1));
  /// Runs `what` on a core of `on`, and everything else with it, until it ends; its value. Throws what it throws, and
  /// `task_not_ended`.
  template <typename T>
  T run(host& on, rt::task<T> what, unsigned core = 0, rt::duration limit = std::chrono::hours(1));

 private:
  template <typename T>
  struct outcome {
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    std::exception_ptr failure;
  };
  template <typename T>
  static rt::task<void> note(rt::task<T> what, std::shared_ptr<outcome<T>> into);

  std::uint64_t seed_;
  options settings_;
  scheduler queue_;
  random_source random_;
  log_book logs_;
  network net_;
  machinery shared_;
  std::vector<std::unique_ptr<host>> hosts_;
};

template <typename T>
rt::task<void> simulator::note(rt::task<T> what, std::shared_ptr<outcome<T>> into) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(what);
      into->value.emplace(true);
    } else {
      into->value.emplace(co_await std::move(what));
    }
  } catch (...) {
    into->failure = std::current_exception();
  }
}

template <typename T>
T simulator::run(host& on, rt::task<T> what, unsigned core, rt::duration limit) {
  auto ended = std::make_shared<outcome<T>>();
  const std::uint64_t incarnation = on.incarnation();
  on.core(core).post([ended, w = std::move(what)]() mutable { rt::spawn(note(std::move(w), ended)); });
  run_until([&] { return ended->value || ended->failure || !on.running() || on.incarnation() != incarnation; }, limit);
  if (!on.running() || on.incarnation() != incarnation) throw task_not_ended(on.name() + ": the process has ended");
  if (ended->failure) std::rethrow_exception(ended->failure);
  if (!ended->value) throw task_not_ended(on.name() + ": the task waits for something that doesn't come");
  if constexpr (!std::is_void_v<T>) return *std::move(ended->value);
}

}  // namespace moldau::testing::sim
