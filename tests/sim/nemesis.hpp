#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "testing/sim/simulator.hpp"
#include "tests/sim/broker_process.hpp"
#include "tests/sim/record_ledger.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

/// What may befall a broker and its network.
enum class fault : unsigned char {
  kill,            ///< SIGKILL.
  power_cut,       ///< All that wasn't synced is lost, torn, or some of it kept.
  crash_point,     ///< The power goes, or a SIGKILL comes, inside one of the next changes of the disk.
  stop,            ///< A clean stop.
  pause,           ///< The machine stands still for seconds.
  clock_step,      ///< The wall clock jumps, forward or back.
  cut,             ///< Connections break.
  partition,       ///< Clients and broker don't hear each other, one way or both.
  slow_network,    ///< Segments come late.
  slow_disk,       ///< Calls take up to seconds.
  disk_full,       ///< Writes fail: the broker stops with a sentence.
  failing_sync,    ///< A sync fails: the same.
  failing_write,   ///< A write fails: the same.
  read_only_disk,  ///< Every change fails: the same.
};

[[nodiscard]] std::string_view name(fault what);
[[nodiscard]] const std::vector<fault>& all_faults();

/// Brings faults upon one broker, one after another, and starts it again. Watches that it ends for no other reason.
class nemesis {
 public:
  nemesis(testing::sim::simulator& world, broker_process& broker, std::vector<testing::sim::host*> clients,
          record_ledger& records, verdict& out);

  /// Starts the broker for the first time and waits until it is ready.
  void start();
  /// One fault of `choices` from its beginning to the broker's being ready again.
  void strike(const std::vector<fault>& choices);
  /// Ends all faults for good, and waits until the broker is ready.
  void relent();

 private:
  void strike(fault what);
  /// Lets time pass; notes a process that has ended.
  void live(rt::duration time);
  /// Waits for the broker's own end after a failing disk.
  void wait_for_end(rt::duration at_most);
  void end_of_process(testing::sim::ending how);
  /// Heals the disk and starts the broker until it is ready.
  void revive();
  void heal_disk();
  [[nodiscard]] rt::duration up_to(rt::duration most);

  testing::sim::simulator& world_;
  broker_process& broker_;
  std::vector<testing::sim::host*> clients_;
  record_ledger& records_;
  verdict& out_;
  testing::sim::disk_options disk_before_;
  /// The disk fails by our hand: the broker may stop on it.
  bool disk_fails_ = false;
};

}  // namespace moldau::scenarios
