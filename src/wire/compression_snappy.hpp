#pragma once

#include <array>
#include <cstddef>

namespace moldau::wire::xerial {

/// The framing of Java's snappy library, which Kafka's Java clients write: this header (magic, version 1, readable from
/// version 1 on), then blocks, each after its compressed size in 4 bytes. Other clients write one bare snappy block.
inline constexpr std::array<std::byte, 16> header{std::byte{0x82}, std::byte{'S'}, std::byte{'N'}, std::byte{'A'},
                                                  std::byte{'P'},  std::byte{'P'}, std::byte{'Y'}, std::byte{0},
                                                  std::byte{0},    std::byte{0},   std::byte{0},   std::byte{1},
                                                  std::byte{0},    std::byte{0},   std::byte{0},   std::byte{1}};
inline constexpr std::size_t magic_bytes = 8;
/// How much goes into a block.
inline constexpr std::size_t block_bytes = std::size_t{32} * 1024;

}  // namespace moldau::wire::xerial
