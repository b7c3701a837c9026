#include "base/nearest.hpp"

#include <algorithm>
#include <array>

namespace moldau::base {
namespace {

/// The longest text that a typo is looked up for. What it is compared with is at most a third longer and a little.
constexpr std::size_t length_max = 100;
constexpr std::size_t most_letters(std::size_t length) {
  return std::max<std::size_t>(2, length / 3);
}

/// How many letters have to be added, taken away, changed or swapped with their neighbour; given up once it must be
/// more than `most`, which is at most `most_letters` of the first text.
std::size_t distance(std::string_view a, std::string_view b, std::size_t most) {
  if (a.size() > b.size() + most || b.size() > a.size() + most) return most + 1;
  using row = std::array<std::size_t, length_max + most_letters(length_max) + 1>;
  row before{};
  row last{};
  row now{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    std::size_t least = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
      least = std::min(least, now[j]);
    }
    // A swap reaches back two rows, so one more than `most` may still come down.
    if (least > most + 1) return most + 1;
    before = last;
    last = now;
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view typed, std::span<const std::string_view> names) {
  if (typed.size() > length_max) return {};
  std::string_view best;
  std::size_t least = most_letters(typed.size()) + 1;
  for (const std::string_view name : names) {
    if (least == 0) break;
    // What begins alike is meant sooner than what is merely as short.
    const std::size_t far = name.starts_with(typed) && !typed.empty() ? 1 : distance(typed, name, least - 1);
    if (far < least) {
      least = far;
      best = name;
    }
  }
  return best;
}

}  // namespace moldau::base
