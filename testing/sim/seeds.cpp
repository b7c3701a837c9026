#include "testing/sim/seeds.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
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

void report(simulator& failed, std::size_t lines) {
  const std::string text = fmt::format(
      "{}seed {} failed after {} events, {:.6f} s of virtual time, trace {:016x}\n"
      "MOLDAU_SIM_SEED={} runs it again\n",
      failed.logs().tail(lines), failed.seed(), failed.events(), static_cast<double>(failed.now().count()) / 1e9,
      failed.trace_hash(), failed.seed());
  std::fputs(text.c_str(), stderr);
}

}  // namespace

bool for_each_seed(const seeds& which, const std::function<void(simulator&)>& scenario) {
  const auto only = number_from_environment("MOLDAU_SIM_SEED");
  const std::uint64_t first = only.value_or(number_from_environment("MOLDAU_SIM_FIRST").value_or(which.first));
  const std::uint64_t count = only ? 1 : number_from_environment("MOLDAU_SIM_SEEDS").value_or(which.count);
  for (std::uint64_t seed = first; seed - first < count; ++seed) {
    simulator run(seed, which.settings(seed));
    try {
      scenario(run);
    } catch (...) {
      report(run, which.log_lines);
      throw;
    }
    if (which.failed && which.failed()) {
      report(run, which.log_lines);
      return false;
    }
  }
  return true;
}

}  // namespace moldau::testing::sim
