#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "testing/sim/options.hpp"
#include "testing/sim/simulator.hpp"
#include "tests/sim/load.hpp"
#include "tests/sim/nemesis.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

/// A whole broker with clients in the simulator, some faults, and the checkers' word at the end.
struct scenario {
  std::string_view name;
  std::string_view about;
  /// What may come; with `some_of_them` each seed draws its own few.
  std::vector<fault> faults;
  bool some_of_them = false;
  std::size_t strikes = 6;
  /// The simulator's own settings for a seed.
  testing::sim::options (*settings)(std::uint64_t seed) = testing::sim::rough;
  std::unique_ptr<load> (*clients)(cluster& of) = record_load;
  /// Lines that are added to the broker's properties.
  std::string_view properties;
  /// `log.flush.ack`: nothing is acknowledged, nor shown to consumers, before it is on the disk.
  bool synced = true;
};

[[nodiscard]] const std::vector<scenario>& all_scenarios();
/// Null if there is none of that name.
[[nodiscard]] const scenario* find_scenario(std::string_view name);

/// What a run came to.
struct run_result {
  verdict found;
  std::size_t acknowledged = 0;
  /// Equal for equal runs.
  std::uint64_t trace_hash = 0;
};

/// Runs the scenario in `world`, which is new and has the scenario's settings.
[[nodiscard]] run_result run(const scenario& what, testing::sim::simulator& world);

}  // namespace moldau::scenarios
