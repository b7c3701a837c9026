#include "client/partitioning.hpp"

#include <array>

namespace moldau::client {

std::int32_t murmur2(bytes_view key) {
  constexpr std::uint32_t m = 0x5bd1e995;
  constexpr std::uint32_t seed = 0x9747b28c;
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(key[i]); };
  const std::size_t size = key.size();
  std::uint32_t h = seed ^ static_cast<std::uint32_t>(size);
  std::size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    std::uint32_t k = at(i) | at(i + 1) << 8U | at(i + 2) << 16U | at(i + 3) << 24U;
    k *= m;
    k ^= k >> 24U;
    h = (h * m) ^ (k * m);
  }
  switch (size - i) {
    case 3:
      h ^= at(i + 2) << 16U;
      [[fallthrough]];
    case 2:
      h ^= at(i + 1) << 8U;
      [[fallthrough]];
    case 1:
      h ^= at(i);
      h *= m;
      break;
    default:
      break;
  }
  h ^= h >> 13U;
  h *= m;
  h ^= h >> 15U;
  return static_cast<std::int32_t>(h);
}

std::uint32_t crc32(bytes_view bytes) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> out{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1U) != 0 ? 0xedb88320U ^ (c >> 1U) : c >> 1U;
      out[i] = c;
    }
    return out;
  }();
  std::uint32_t c = ~0U;
  for (const std::byte b : bytes) c = table[(c ^ std::to_integer<std::uint32_t>(b)) & 255U] ^ (c >> 8U);
  return ~c;
}

}  // namespace moldau::client
