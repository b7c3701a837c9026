#include "client/iso_duration.hpp"

#include <charconv>

namespace moldau::client {
namespace {

constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// Takes a number from the front.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t out = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (code != std::errc() || out < 0 || end == text.data() || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return out;
}

/// Takes ".5" from the front: 500. More than three digits are cut off.
std::optional<std::int64_t> take_fraction_ms(std::string_view& text) {
  text.remove_prefix(1);
  std::int64_t out = 0;
  std::int64_t unit = 100;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits) {
    out += (text.front() - '0') * unit;
    unit /= 10;
  }
  if (digits > 9) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::int64_t> parse_iso_duration_ms(std::string_view text) {
  if (text.empty() || upper(text.front()) != 'P') return std::nullopt;
  text.remove_prefix(1);
  std::int64_t sum = 0;
  bool in_time = false;
  /// Units come in this order, each once.
  std::string_view left = "DHMS";
  bool any = false;
  while (!text.empty()) {
    if (!in_time && upper(text.front()) == 'T') {
      text.remove_prefix(1);
      in_time = true;
      left = "HMS";
      if (text.empty()) return std::nullopt;
      continue;
    }
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    std::int64_t fraction_ms = 0;
    const bool has_fraction = !text.empty() && (text.front() == '.' || text.front() == ',');
    if (has_fraction) {
      const auto fraction = take_fraction_ms(text);
      if (!fraction) return std::nullopt;
      fraction_ms = *fraction;
    }
    if (text.empty()) return std::nullopt;
    const char unit = upper(text.front());
    text.remove_prefix(1);
    const std::size_t at = left.find(unit);
    if (at == std::string_view::npos || (unit == 'D') == in_time || (has_fraction && unit != 'S')) return std::nullopt;
    left.remove_prefix(at + 1);
    const std::int64_t unit_ms = unit == 'D' ? 86'400'000 : unit == 'H' ? 3'600'000 : unit == 'M' ? 60'000 : 1'000;
    if (*number > (INT64_MAX - sum - fraction_ms) / unit_ms) return std::nullopt;
    sum += *number * unit_ms + fraction_ms;
    any = true;
  }
  if (!any) return std::nullopt;
  return sum;
}

}  // namespace moldau::client
