#include "bench/client/values.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace moldau::bench {

namespace {

constexpr std::size_t bytes_at_least = std::size_t{1} << 20U;
constexpr std::array<std::string_view, 16> words{
    "customer", " order: ", "\"status\"", "shipped,", "2026-11-",   "warehous", "currency", ": \"EUR\",",
    "quantity", "payment ", "region: ",   "europe-w", "\"price\":", "discount", "tracking", "session "};
constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t word_bytes = 8;

}  // namespace

values::values(std::size_t size) : size_(size), count_(bytes_at_least / size + 1), bytes_(count_ * size) {
  std::uint64_t state = 0;
  for (std::size_t at = 0; at < bytes_.size(); at += word_bytes) {
    // SplitMix64
    std::uint64_t z = state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    z ^= z >> 31U;
    std::array<char, word_bytes> word;
    std::memcpy(word.data(), words[z >> 2U & 15U].data(), word_bytes);
    if ((z & 3U) == 0) {
      for (std::size_t i = 0; i < word_bytes; ++i) word[i] = letters[z >> (8 + 6 * i) & 63U];
    }
    std::memcpy(&bytes_[at], word.data(), std::min(word_bytes, bytes_.size() - at));
  }
}

}  // namespace moldau::bench
