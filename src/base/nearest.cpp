#include "base/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace moldau::base {
namespace {

/// How many letters have to be added, taken away, changed or swapped with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  std::iota(d[0].begin(), d[0].end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view typed, std::span<const std::string_view> names) {
  constexpr std::size_t length_max = 100;
  if (typed.size() > length_max) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const std::string_view name : names) {
    // What begins alike is meant sooner than what is merely as short.
    const std::size_t far = name.starts_with(typed) && !typed.empty() ? 1 : distance(typed, name);
    if (far < least) {
      least = far;
      best = name;
    }
  }
  return best;
}

}  // namespace moldau::base
