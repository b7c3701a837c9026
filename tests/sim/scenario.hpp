#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "testing/sim/options.hpp"
#include "testing/sim/simulator.hpp"
#include "tests/sim/nemesis.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

struct run_result;

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
  /// Runs it; without one, the load is that of the thin clients here.
  run_result (*load)(const scenario& what, testing::sim::simulator& world) = nullptr;
};

inline constexpr std::uint16_t broker_port = 9092;
/// Of a broker on the host "broker". Intervals are short, so that what Kafka does in minutes happens in a run's
/// seconds.
[[nodiscard]] std::string broker_properties(testing::sim::random_source& random);
/// The faults of one run.
[[nodiscard]] std::vector<fault> chosen_faults(const scenario& what, testing::sim::simulator& world);

[[nodiscard]] const std::vector<scenario>& all_scenarios();
/// Null if there is none of that name.
[[nodiscard]] const scenario* find_scenario(std::string_view name);

/// What a run came to.
struct run_result {
  verdict found;
  std::size_t acknowledged = 0;
  std::size_t seen = 0;
  /// Equal for equal runs.
  std::uint64_t trace_hash = 0;
};

/// Runs the scenario in `world`, which is new and has the scenario's settings.
[[nodiscard]] run_result run(const scenario& what, testing::sim::simulator& world);

}  // namespace moldau::scenarios
