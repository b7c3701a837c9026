#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "moldau/client/producer.hpp"
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

/// FNV-1a as Sarama's hash partitioner, and librdkafka after it, takes it: of the signed value, without its sign.
[[nodiscard]] std::uint32_t fnv1a(bytes_view bytes);

/// KIP-794's choice of the next partition for records without a key, by how many batches wait for each: the shorter the
/// queue the likelier. -1 leaves a partition out; all alike: any with equal chance; all
/// left out: any.
[[nodiscard]] std::int32_t choose_by_load(std::span<const std::int32_t> queues, std::uint64_t random);

/// Numbers by chance for any number of threads, all from one seed (SplitMix64): in the simulator the same each time.
class shared_random {
 public:
  void seed(std::uint64_t with) { state_.store(with, std::memory_order_relaxed); }
  std::uint64_t next() {
    std::uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15U, std::memory_order_relaxed) + 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

 private:
  std::atomic<std::uint64_t> state_ = 0;
};

/// Where the records without a key of one topic go until enough have gone there (KIP-480, KIP-794). Any thread.
class sticky_partition {
 public:
  /// The partition for the next record, nothing if another must be chosen first: none has been yet, `enough_bytes` have
  /// gone there and `is_between_batches(partition)`, or twice as many.
  template <typename BetweenBatches>
  [[nodiscard]] std::optional<std::int32_t> current(std::uint64_t enough_bytes,
                                                    BetweenBatches is_between_batches) const {
    const std::uint64_t now = state_.load(std::memory_order_relaxed);
    if (now == none) return std::nullopt;
    const auto partition = static_cast<std::int32_t>(now >> 32U);
    const std::uint64_t gone = now & 0xffffffffU;
    if (gone >= enough_bytes && (gone >= 2 * enough_bytes || is_between_batches(partition))) return std::nullopt;
    return partition;
  }
  void change_to(std::int32_t partition) {
    state_.store(static_cast<std::uint64_t>(static_cast<std::uint32_t>(partition)) << 32U, std::memory_order_relaxed);
  }
  /// So much went there.
  void add(std::size_t bytes) {
    // Between two changes at most twice `batch.size` and a record: far from the partition's half of the number.
    state_.fetch_add(bytes & 0x0fffffffU, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t none = ~std::uint64_t{0};
  std::atomic<std::uint64_t> state_{none};
};

}  // namespace moldau::client
