#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>

namespace moldau::bytes {

/// Kafka's integers are big-endian everywhere. Neither call checks bounds.
template <std::integral T>
[[nodiscard]] inline T load_be(const std::byte* from) {
  T v;
  std::memcpy(&v, from, sizeof v);
  if constexpr (sizeof(T) > 1) v = std::byteswap(v);
  return v;
}

template <std::integral T>
inline void store_be(std::byte* to, T v) {
  if constexpr (sizeof(T) > 1) v = std::byteswap(v);
  std::memcpy(to, &v, sizeof v);
}

}  // namespace moldau::bytes
