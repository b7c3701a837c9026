#include "cli/timestamps.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>

namespace moldau::cli {

result<std::int64_t> parse_timestamp(std::string_view text) {
  std::int64_t number = 0;
  const char* last = text.data() + text.size();
  if (const auto [end, code] = std::from_chars(text.data(), last, number); code == std::errc() && end == last) {
    return number;
  }
  const auto wrong = [&] {
    return fail(errc::invalid_argument,
                fmt::format("'{}' is no time: write milliseconds since 1970, or 2026-01-31T12:00:00Z", text));
  };
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  unsigned milli = 0;
  int date_size = 0;
  int time_size = 0;
  int milli_size = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &date_size) != 3) return wrong();
  auto rest = std::string_view(copy).substr(static_cast<std::size_t>(date_size));
  if (!rest.empty()) {
    if (rest.front() != 'T' && rest.front() != ' ') return wrong();
    if (std::sscanf(rest.data() + 1, "%2u:%2u:%2u%n", &hour, &minute, &second, &time_size) != 3) return wrong();
    rest.remove_prefix(static_cast<std::size_t>(time_size) + 1);
    if (rest.starts_with('.')) {
      if (std::sscanf(rest.data(), ".%3u%n", &milli, &milli_size) != 1) return wrong();
      for (int digits = milli_size - 1; digits < 3; ++digits) milli *= 10;
      rest.remove_prefix(static_cast<std::size_t>(milli_size));
    }
    if (!rest.empty() && rest != "Z") return wrong();
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return wrong();
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(days).count() +
         ((static_cast<std::int64_t>(hour) * 60 + minute) * 60 + second) * 1000 + milli;
}

std::string show_timestamp(std::int64_t ms) {
  if (ms < 0) return "-";
  const std::chrono::sys_time<std::chrono::milliseconds> when{std::chrono::milliseconds(ms)};
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const auto in_day = (when - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), in_day / 3'600'000,
                     in_day / 60'000 % 60, in_day / 1000 % 60, in_day % 1000);
}

}  // namespace moldau::cli
