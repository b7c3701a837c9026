#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "rt/world.hpp"

namespace moldau::testing::sim {

/// A span that a random duration is drawn from, both ends included.
struct delay_range {
  rt::duration least{0};
  rt::duration most{0};
};

/// Random numbers by seed (xoshiro256**), the same on every machine and standard library.
class random_source {
 public:
  explicit random_source(std::uint64_t seed) {
    for (auto& word : state_) word = mix(seed += 0x9e3779b97f4a7c15ULL);
  }

  /// 64 random bits.
  std::uint64_t next() {
    const std::uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return out;
  }
  /// 0 to `bound` - 1; 0 if `bound` is 0.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<wide>(next()) * bound) >> 64U);
  }
  /// `least` to `most`, both included.
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return most <= least ? least : least + below(most - least + 1);
  }
  /// True with the given probability.
  bool chance(double probability) {
    if (probability <= 0) return false;
    return static_cast<double>(next() >> 11U) * 0x1p-53 < probability;
  }
  rt::duration within(delay_range span) {
    if (span.most <= span.least) return span.least;
    return span.least + rt::duration(below(static_cast<std::uint64_t>((span.most - span.least).count()) + 1));
  }
  /// Another source, whose numbers don't depend on how many are drawn here later.
  random_source split() { return random_source(next()); }

  /// A bijection that spreads its input over all bits (splitmix64).
  static constexpr std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
  }

 private:
  __extension__ using wide = unsigned __int128;

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace moldau::testing::sim
