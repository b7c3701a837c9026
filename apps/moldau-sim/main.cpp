#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "testing/sim/seeds.hpp"
#include "tests/sim/scenario.hpp"

namespace {

namespace scenarios = moldau::scenarios;
namespace sim = moldau::testing::sim;

/// One seed in so many runs twice: what happens follows from the seed alone.
constexpr std::uint64_t repeat_every = 10;

int usage() {
  fmt::print(stderr,
             "usage: moldau-sim list\n"
             "       moldau-sim run SCENARIO\n\n"
             "MOLDAU_SIM_SEED=<n> runs one seed; MOLDAU_SIM_FIRST=<n> and MOLDAU_SIM_SEEDS=<n> the first and how many\n"
             "(1 and 20 without them). With MOLDAU_SIM_LOG=debug a failure tells every request of its clients.\n");
  return 2;
}

int list() {
  for (const auto& one : scenarios::all_scenarios()) fmt::print("{:<14} {}\n", one.name, one.about);
  return 0;
}

int run(const scenarios::scenario& what) {
  bool failed = false;
  std::uint64_t seeds = 0;
  std::uint64_t records = 0;
  /// Of all runs; equal where all went the same way.
  std::uint64_t trace = 0;
  const auto one_seed = [&](sim::simulator& world) {
    const scenarios::run_result first = scenarios::run(what, world);
    ++seeds;
    records += first.acknowledged;
    trace = trace * 31 + first.trace_hash;
    for (const auto& violation : first.found.first()) fmt::print(stderr, "{}: {}\n", what.name, violation);
    failed = !first.found.passed();
    if (failed || world.seed() % repeat_every != 0) return;
    sim::simulator again(world.seed(), world.settings());
    if (scenarios::run(what, again).trace_hash != first.trace_hash) {
      fmt::print(stderr, "{}: seed {} isn't the same when it runs again\n", what.name, world.seed());
      failed = true;
    }
  };
  const bool passed =
      sim::for_each_seed({.settings = what.settings, .failed = [&] { return failed; }, .log_lines = 60}, one_seed);
  fmt::print("{}: {} seeds, {} records acknowledged, trace {:016x}, {}\n", what.name, seeds, records, trace,
             passed ? "passed" : "FAILED");
  return passed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "list") return list();
  if (argc != 3 || std::string_view(argv[1]) != "run") return usage();
  const auto* what = scenarios::find_scenario(argv[2]);
  if (what == nullptr) {
    fmt::print(stderr, "moldau-sim: there is no scenario {}\n", argv[2]);
    return usage();
  }
  try {
    return run(*what);
  } catch (const std::exception& broken) {
    fmt::print(stderr, "{}: {}\n", what->name, broken.what());
    return 1;
  }
}
