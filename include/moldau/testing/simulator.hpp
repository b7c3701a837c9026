#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "moldau/core/executor.hpp"
#include "moldau/core/world.hpp"

namespace moldau::testing {

/// What a simulated world does by itself, without being asked: in calm weather nothing fails; in rough weather calls
/// and packets come late, connections are refused and cut, timers slip and clocks differ, by the seed.
enum class weather : std::uint8_t { calm, rough };

struct simulator_options {
  /// All that happens follows from it: the same program with the same seed runs the same way, event by event.
  std::uint64_t seed = 1;
  testing::weather weather = weather::calm;
  /// What the hosts' clocks show at the start, in ms since 1970.
  std::int64_t start_ms = 1'700'000'000'000;
};

class simulated_host;

/// Runs programs on simulated machines, in one thread and in virtual time: hours pass in milliseconds, machines and
/// networks fail on demand, and a failure comes again from its seed.
///
/// A program takes part if all it does goes through what its host gives it: moldau's clients with
/// `client_options::world`, its own work and timers with `executor`. It must not look at other clocks or random
/// numbers.
///
///     simulator s({.seed = 7});
///     auto& kafka = s.add_host("kafka");
///     auto cluster = fake_broker::start({.topics = {{.name = "orders"}}, .world = kafka.world(), .host = "kafka"});
///     auto& shop = s.add_host("shop");
///     shop.start([&](simulated_host& on) { return std::make_shared<service>(on.world(), on.executor()); });
///     s.run_for(10s);
///     shop.kill();
///     shop.restart();
///     assert(s.run_until([&] { return cluster->end_offset({"orders", partition_id(0)}) == offset(10); }));
///
/// Not thread safe, and nothing in it may wait: use `then` and `co_await`, never `get`. An exception that leaves a
/// program comes out of the call that ran it. What was made with a host's world or executor goes before the simulator.
class simulator {
 public:
  using duration = std::chrono::nanoseconds;

  explicit simulator(simulator_options options = {});
  simulator(const simulator&) = delete;
  simulator& operator=(const simulator&) = delete;
  ~simulator();

  /// A machine that others reach by this name, which must be new.
  simulated_host& add_host(std::string name);

  /// Virtual time since the start.
  [[nodiscard]] duration now() const;
  [[nodiscard]] std::uint64_t seed() const;
  /// 64 random bits for the test's own choices.
  [[nodiscard]] std::uint64_t random();

  /// Runs what happens in that time.
  void run_for(duration time);
  /// Runs until `done` says so, asked after each event. False if that doesn't come within `limit` of virtual time, or
  /// nothing is left to happen.
  bool run_until(const std::function<bool()>& done, duration limit = std::chrono::hours(1));

  /// Packets between the two are lost, both ways, until `heal`.
  void partition(simulated_host& a, simulated_host& b);
  /// The same with all other hosts.
  void isolate(simulated_host& alone);
  void heal();
  /// Breaks the connections between the two.
  void cut(simulated_host& a, simulated_host& b);

  /// Equal for equal runs.
  [[nodiscard]] std::uint64_t trace_hash() const;
  /// For whoever reads a failure: the seed, and the last lines that the hosts logged.
  [[nodiscard]] std::string report() const;

  /// Runs `scenario`, which returns whether all went well, with one seed after the other, from `first.seed` on, until
  /// one fails; tells that one's report on stderr. The environment's `MOLDAU_SIM_SEED=<n>` runs that seed alone,
  /// `MOLDAU_SIM_FIRST` and `MOLDAU_SIM_SEEDS` set where to begin and how many. Whether all went well.
  static bool for_each_seed(const simulator_options& first, std::uint64_t count,
                            const std::function<bool(simulator&)>& scenario);

  struct body;

 private:
  explicit simulator(std::unique_ptr<body> from);
  std::unique_ptr<body> body_;
};

/// One simulated machine. Belongs to its simulator.
class simulated_host {
 public:
  /// Makes the program: what it returns lives as long as the process that runs it.
  using program = std::function<std::shared_ptr<void>(simulated_host& on)>;

  simulated_host(const simulated_host&) = delete;
  simulated_host& operator=(const simulated_host&) = delete;
  ~simulated_host();

  [[nodiscard]] const std::string& name() const;
  /// For clients, and `fake_broker`, that run on this host; good for the process that runs now.
  [[nodiscard]] moldau::world world() const;
  /// The process's own loop: work and timers in virtual time. What is left goes with the process.
  [[nodiscard]] moldau::executor& executor();
  /// By this host's clock.
  [[nodiscard]] std::int64_t wall_ms() const;

  /// Starts a program, once a process; `restart` starts it again.
  void start(program what);
  /// What `start` made has run and not ended.
  [[nodiscard]] bool running() const;
  /// SIGKILL: the program's object is destroyed without having run again, its connections are closed.
  void kill();
  /// The power goes: others hear nothing of it.
  void cut_power();
  /// A new process; one that still runs is killed.
  void restart();
  /// Nothing runs on it for that long, while time goes on.
  void pause(simulator::duration time);
  /// Its clock jumps, forward or back.
  void step_clock(std::chrono::milliseconds by);

  struct body;
  explicit simulated_host(std::unique_ptr<body> from);

 private:
  friend class simulator;
  std::unique_ptr<body> body_;
};

}  // namespace moldau::testing
