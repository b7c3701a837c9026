#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "testing/sim/scheduler.hpp"

namespace moldau::testing::sim {

struct log_line {
  /// Virtual time since the start.
  rt::duration at;
  std::string host;
  base::log_level level;
  std::string component;
  std::string message;

  [[nodiscard]] std::string to_string() const;
};

/// The last lines that all hosts logged, with virtual times.
class log_book {
 public:
  log_book(scheduler& clock, std::size_t lines_max) : clock_(clock), lines_max_(lines_max) {}

  /// Where a host's lines go. Lives as long as the book.
  [[nodiscard]] base::log_sink& sink_for(std::string host);
  void add(std::string host, base::log_level level, std::string_view component, std::string_view message);

  [[nodiscard]] const std::deque<log_line>& lines() const { return lines_; }
  /// Whether some kept line of `host` contains `text`.
  [[nodiscard]] bool contains(std::string_view host, std::string_view text) const;
  /// The last `count` lines, one below the other.
  [[nodiscard]] std::string tail(std::size_t count = 100) const;

 private:
  scheduler& clock_;
  std::size_t lines_max_;
  std::deque<log_line> lines_;
  std::vector<std::unique_ptr<base::log_sink>> sinks_;
};

}  // namespace moldau::testing::sim
