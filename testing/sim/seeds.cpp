#include "testing/sim/seeds.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

namespace moldau::testing::sim {
namespace {

std::optional<std::uint64_t> number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const std::string_view view(text);
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(view.data(), view.data() + view.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != view.data() + view.size()) return std::nullopt;
  return value;
}

std::optional<base::log_level> level_from_environment() {
  const char* text = std::getenv("MOLDAU_SIM_LOG");
  if (text == nullptr) return std::nullopt;
  for (const auto level : {base::log_level::trace, base::log_level::debug, base::log_level::info, base::log_level::warn,
                           base::log_level::error}) {
    if (base::name(level) == text) return level;
  }
  return std::nullopt;
}

void print(const simulator& failed, std::size_t lines) {
  std::fputs(failed.report(lines).c_str(), stderr);
}

}  // namespace

bool for_each_seed(const seeds& which, const std::function<void(simulator&)>& scenario) {
  const auto only = number_from_environment("MOLDAU_SIM_SEED");
  const std::uint64_t first = only.value_or(number_from_environment("MOLDAU_SIM_FIRST").value_or(which.first));
  const std::uint64_t count = only ? 1 : number_from_environment("MOLDAU_SIM_SEEDS").value_or(which.count);
  const auto level = level_from_environment();
  const std::size_t lines = level ? std::numeric_limits<std::size_t>::max() : which.log_lines;
  for (std::uint64_t seed = first; seed - first < count; ++seed) {
    options settings = which.settings(seed);
    if (level) {
      settings.log_level = *level;
      settings.log_lines = lines;
    }
    simulator run(seed, settings);
    try {
      scenario(run);
    } catch (...) {
      print(run, lines);
      throw;
    }
    if (which.failed && which.failed()) {
      print(run, lines);
      return false;
    }
  }
  return true;
}

}  // namespace moldau::testing::sim
