#pragma once

#include <cstdint>

#include "moldau/core/bytes.hpp"

namespace moldau::client {

/// The hash of Kafka's Java clients (`Utils.murmur2`).
[[nodiscard]] std::int32_t murmur2(bytes_view key);

/// The partition of a key as Java's default partitioner chooses it. `partitions` is above 0.
[[nodiscard]] inline std::int32_t murmur2_partition(bytes_view key, std::int32_t partitions) {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

/// CRC-32 (zlib's), as librdkafka's `consistent` partitioner takes it.
[[nodiscard]] std::uint32_t crc32(bytes_view bytes);

}  // namespace moldau::client
