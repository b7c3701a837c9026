#pragma once

#include <cstdint>

namespace moldau::bench {

/// What this process has used since it began.
struct usage {
  double wall_seconds = 0;
  /// Of all threads, in the kernel and outside it.
  double cpu_seconds = 0;
  /// Calls of malloc and its kin, which `operator new` is among.
  std::uint64_t allocations = 0;

  [[nodiscard]] static usage now();
  friend usage operator-(const usage& a, const usage& b) {
    return {a.wall_seconds - b.wall_seconds, a.cpu_seconds - b.cpu_seconds, a.allocations - b.allocations};
  }
};

/// The most memory that was ever resident, in MB.
[[nodiscard]] double peak_rss_mb();

}  // namespace moldau::bench
