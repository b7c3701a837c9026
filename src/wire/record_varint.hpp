#pragma once

#include <cstddef>
#include <cstdint>

#include "bytes/varint.hpp"

namespace moldau::wire::record_varint {

/// Reads a signed varint of 32 bits between `at` and `end`, and returns where it ends, or null if it is cut short or
/// too long. Records are mostly varints of one byte: that case stands first, inline.
inline const std::byte* read(const std::byte* at, const std::byte* end, std::int32_t& out) {
  if (at == end) return nullptr;
  auto b = std::to_integer<std::uint32_t>(*at++);
  if (b < 0x80) [[likely]] {
    out = bytes::unzigzag(b);
    return at;
  }
  std::uint32_t v = b & 0x7fU;
  for (unsigned shift = 7; shift < 35; shift += 7) {
    if (at == end) return nullptr;
    b = std::to_integer<std::uint32_t>(*at++);
    if (shift == 28 && b > 0x0f) return nullptr;
    v |= (b & 0x7fU) << shift;
    if (b < 0x80) {
      out = bytes::unzigzag(v);
      return at;
    }
  }
  return nullptr;
}

/// The same of 64 bits.
inline const std::byte* read(const std::byte* at, const std::byte* end, std::int64_t& out) {
  if (at == end) return nullptr;
  auto b = std::to_integer<std::uint64_t>(*at++);
  if (b < 0x80) [[likely]] {
    out = bytes::unzigzag(b);
    return at;
  }
  std::uint64_t v = b & 0x7fU;
  for (unsigned shift = 7; shift < 70; shift += 7) {
    if (at == end) return nullptr;
    b = std::to_integer<std::uint64_t>(*at++);
    if (shift == 63 && b > 1) return nullptr;
    v |= (b & 0x7fU) << shift;
    if (b < 0x80) {
      out = bytes::unzigzag(v);
      return at;
    }
  }
  return nullptr;
}

inline std::byte* write(std::byte* to, std::int32_t v) {
  return bytes::write_varint(to, bytes::zigzag(v));
}
inline std::byte* write(std::byte* to, std::int64_t v) {
  return bytes::write_varint(to, bytes::zigzag(v));
}
constexpr std::size_t size(std::int32_t v) {
  return bytes::varint_size(bytes::zigzag(v));
}
constexpr std::size_t size(std::int64_t v) {
  return bytes::varint_size(bytes::zigzag(v));
}

}  // namespace moldau::wire::record_varint
