#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace moldau::peer {

/// What went over the connections to one address, counted for as long as
/// somebody keeps it. On the connections' core.
struct traffic {
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t in_flight = 0;
  std::int64_t total_us = 0;
  std::int64_t longest_us = 0;
  double recent_us = 0;

  void answered(std::chrono::nanoseconds after) {
    const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(after).count();
    ++responses;
    total_us += us;
    longest_us = std::max(longest_us, us);
    // The first ones count fully, later ones by a fiftieth.
    recent_us += (static_cast<double>(us) - recent_us) / static_cast<double>(std::min<std::uint64_t>(responses, 50));
  }
};

}  // namespace moldau::peer
