#include "cli/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace moldau::cli {

std::size_t histogram::bucket_of(std::uint64_t value) {
  // Below 128 each value has a bucket; above it a power of two is divided into 64.
  const auto shift = static_cast<std::size_t>(std::max(0, static_cast<int>(std::bit_width(value)) - 7));
  return shift * steps + static_cast<std::size_t>(value >> shift);
}

std::int64_t histogram::most_in(std::size_t bucket) {
  if (bucket < 2 * steps) return static_cast<std::int64_t>(bucket);
  const std::size_t shift = bucket / steps - 1;
  return static_cast<std::int64_t>(((bucket - shift * steps + 1) << shift) - 1);
}

void histogram::add(std::int64_t ns) {
  ns = std::max<std::int64_t>(ns, 0);
  ++counts_[bucket_of(static_cast<std::uint64_t>(ns))];
  ++count_;
  sum_ += static_cast<double>(ns);
  max_ = std::max(max_, ns);
}

std::int64_t histogram::percentile_ns(double percent) const {
  if (count_ == 0) return 0;
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(static_cast<double>(count_) * percent / 100.0)));
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    passed += counts_[i];
    if (passed >= wanted) return std::min(most_in(i), max_);
  }
  return max_;
}

double histogram::mean_ns() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

}  // namespace moldau::cli
