#pragma once

#include <cstdint>
#include <functional>

#include "testing/sim/simulator.hpp"

namespace moldau::testing::sim {

/// Which seeds a scenario runs with.
struct seeds {
  std::uint64_t first = 1;
  std::uint64_t count = 20;
  /// The options of a seed's run.
  std::function<options(std::uint64_t)> settings = rough;
  /// Whether the scenario has failed; asked after each run. With GoogleTest `[] { return ::testing::Test::HasFailure();
  /// }`.
  std::function<bool()> failed;
  /// How many of the last log lines a failure prints.
  std::size_t log_lines = 200;
};

/// Runs `scenario` with one seed after the other and stops at the first that fails, by an exception (which goes on) or
/// as `which.failed` says; that seed is printed to stderr with the last log lines.
///
/// The environment: `MOLDAU_SIM_SEED=<n>` runs just that seed, as a failure says; `MOLDAU_SIM_FIRST=<n>` and
/// `MOLDAU_SIM_SEEDS=<n>` replace the first one and the count. `MOLDAU_SIM_LOG=<level>` keeps lines of that level and
/// above, and prints all of them. Returns whether all went well.
bool for_each_seed(const seeds& which, const std::function<void(simulator&)>& scenario);

}  // namespace moldau::testing::sim
