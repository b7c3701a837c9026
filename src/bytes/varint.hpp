#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "moldau/core/bytes.hpp"

namespace moldau::bytes {

[[nodiscard]] constexpr std::uint32_t zigzag(std::int32_t v) {
  return (static_cast<std::uint32_t>(v) << 1U) ^ static_cast<std::uint32_t>(v >> 31);
}
[[nodiscard]] constexpr std::int32_t unzigzag(std::uint32_t v) {
  return static_cast<std::int32_t>((v >> 1U) ^ (~(v & 1U) + 1U));
}
[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1U) ^ static_cast<std::uint64_t>(v >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>((v >> 1U) ^ (~(v & 1U) + 1U));
}

/// How many bytes `v` takes as an unsigned varint: 1 to 5 (32 bits) or 10 (64 bits).
[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t v) {
  return static_cast<std::size_t>(std::bit_width(v | 1U) + 6) / 7;
}

/// Writes `v` at `at` and returns the end; there must be room.
inline std::byte* write_varint(std::byte* at, std::uint64_t v) {
  while (v >= 0x80) {
    *at++ = static_cast<std::byte>(v | 0x80U);
    v >>= 7U;
  }
  *at++ = static_cast<std::byte>(v);
  return at;
}

/// Reads an unsigned varint of at most 32 bits from the front of `from` and moves `from` past it; nothing (and `from`
/// as it was) if it is cut short or too long.
inline std::optional<std::uint32_t> read_varint32(bytes_view& from) {
  std::uint32_t v = 0;
  for (unsigned i = 0; i < 5 && i < from.size(); ++i) {
    const auto b = std::to_integer<std::uint32_t>(from[i]);
    if (i == 4 && b > 0x0f) return std::nullopt;
    v |= (b & 0x7fU) << (7U * i);
    if (b < 0x80) {
      from = from.subspan(i + 1);
      return v;
    }
  }
  return std::nullopt;
}

/// The same of at most 64 bits.
inline std::optional<std::uint64_t> read_varint64(bytes_view& from) {
  std::uint64_t v = 0;
  for (unsigned i = 0; i < 10 && i < from.size(); ++i) {
    const auto b = std::to_integer<std::uint64_t>(from[i]);
    if (i == 9 && b > 1) return std::nullopt;
    v |= (b & 0x7fU) << (7U * i);
    if (b < 0x80) {
      from = from.subspan(i + 1);
      return v;
    }
  }
  return std::nullopt;
}

}  // namespace moldau::bytes
