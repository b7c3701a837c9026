#include "cli/io_progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cli/io.hpp"

namespace moldau::cli::io {

namespace {
constexpr int bar_width = 30;
constexpr std::int64_t first_ms = 300;
constexpr std::int64_t step_ms = 100;
}  // namespace

progress::progress(std::string what) : what_(std::move(what)), on_(is_terminal()), began_ms_(wall_ms()) {}

progress::~progress() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

bool progress::is_due() const {
  if (!on_) return false;
  const std::int64_t now = wall_ms();
  return now - began_ms_ >= first_ms && now - last_ms_ >= step_ms;
}

void progress::show(std::uint64_t done, std::optional<std::uint64_t> total, std::uint64_t count,
                    const std::string& more) {
  if (!is_due()) return;
  const std::int64_t now = wall_ms();
  last_ms_ = now;
  drawn_ = true;
  const double seconds = static_cast<double>(now - began_ms_) / 1000.0;
  const double rate = static_cast<double>(count) / std::max(seconds, 0.001);
  if (total && *total > 0) {
    const auto part = std::min(1.0, static_cast<double>(done) / static_cast<double>(*total));
    const int full = static_cast<int>(part * bar_width);
    fmt::print(stderr, "\r\x1b[K{} [{}{}] {:3.0f}% {} records, {:.0f}/s{}", what_,
               std::string(static_cast<std::size_t>(full), '#'),
               std::string(static_cast<std::size_t>(bar_width - full), '.'), part * 100, count, rate, more);
  } else {
    fmt::print(stderr, "\r\x1b[K{} {} records, {:.0f}/s{}", what_, count, rate, more);
  }
  std::fflush(stderr);
}

}  // namespace moldau::cli::io
