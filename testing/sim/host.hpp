#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rt/task.hpp"
#include "rt/world.hpp"
#include "testing/sim/disk.hpp"
#include "testing/sim/paths.hpp"

namespace moldau::testing::sim {

struct machinery;
class process;

/// A simulated machine: cores, a disk that outlives its processes, a clock of its own, a name in the network.
///
/// It starts with a process that does nothing: hand `core(i)`, which is an `rt::world`, to objects under test, or let
/// `start` run a program in it. When the process ends (its program returns, `kill`, `crash`, a crash point of its
/// disk), nothing of it runs again: what was queued is dropped, and every coroutine that was spawned in it is destroyed
/// where it is suspended, the newest first and the program itself last. So frames and what they own go without leaks.
/// Two rules for programs follow: a destructor must not resume a coroutine, and must not need the world (in a dead
/// process posts, timers and writes do nothing, and file calls fail).
///
/// Objects of the test itself that use a process's worlds may be destroyed any time before the simulator.
class host {
 public:
  using program = std::function<rt::task<void>(host&)>;

  host(const machinery& shared, host_index index, std::string name, unsigned cores);
  host(const host&) = delete;
  host& operator=(const host&) = delete;
  ~host();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] host_index index() const { return index_; }
  [[nodiscard]] unsigned core_count() const { return cores_; }
  /// The world of a core of the current (or the last) process.
  [[nodiscard]] rt::world& core(unsigned index = 0);
  [[nodiscard]] sim::disk& disk() { return disk_; }

  /// Runs `main` on core 0; when its task ends, the process exits. Once a process. Kept for `restart`.
  void start(program main);
  /// Runs `what` on a core by itself, as `rt::spawn` does from within. (The test itself must not call `rt::spawn`: such
  /// a frame belongs to no process.)
  void spawn(rt::task<void> what, unsigned core = 0);
  /// Whether the process hasn't ended. From within: false once it is to end after this event.
  [[nodiscard]] bool running() const;
  /// How the last process ended; nothing while it runs.
  [[nodiscard]] std::optional<ending> ended() const { return ended_; }
  /// Counts the processes, from 1.
  [[nodiscard]] std::uint64_t incarnation() const;

  /// SIGKILL: files keep what was written, peers see their connections closed or reset.
  void kill() { end(ending::killed); }
  /// The power goes: `disk().faults().power_cut`, or `how`, says what becomes of what wasn't synced; peers hear
  /// nothing.
  void crash() { end(ending::power_cut); }
  void crash(const power_cut& how);
  /// A new process over the disk as it is, with the program of the last `start`, if any. One that still runs is killed.
  void restart();
  /// Its cores do nothing for that long, while time goes on (a stopped virtual machine). Workers finish what they have.
  void pause(rt::duration time);

  /// Milliseconds since 1970 by this host's clock.
  [[nodiscard]] std::int64_t wall_ms() const;
  /// Steps that clock.
  void step_clock(std::int64_t by_ms) { wall_offset_ms_ += by_ms; }
  [[nodiscard]] base::log_sink& log_sink() { return log_sink_; }

 private:
  rt::task<void> run_program();
  void end(ending how);

  const machinery& shared_;
  host_index index_;
  std::string name_;
  unsigned cores_;
  sim::disk disk_;
  base::log_sink& log_sink_;
  std::int64_t wall_offset_ms_ = 0;
  std::optional<ending> ended_;
  program main_;
  /// All of them, the last one being current.
  std::vector<std::unique_ptr<process>> processes_;
};

}  // namespace moldau::testing::sim
