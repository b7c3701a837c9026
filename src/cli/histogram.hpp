#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace moldau::cli {

/// Durations counted in buckets that are never wider than a sixty-fourth of their value: percentiles of any number of
/// them from 30 KB. Not for several threads.
class histogram {
 public:
  /// A negative one counts as 0.
  void add(std::int64_t ns);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// The smallest bucket's value that `percent` of the values don't exceed; 0 without values.
  [[nodiscard]] std::int64_t percentile_ns(double percent) const;
  [[nodiscard]] double mean_ns() const;
  /// Exact.
  [[nodiscard]] std::int64_t max_ns() const { return max_; }

 private:
  static constexpr std::size_t steps = 64;
  static constexpr std::size_t buckets = (64 - 7) * steps + 2 * steps;

  static std::size_t bucket_of(std::uint64_t value);
  static std::int64_t most_in(std::size_t bucket);

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace moldau::cli
