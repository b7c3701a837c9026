#include "client/partitioning.hpp"

#include <algorithm>
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

std::uint32_t fnv1a(bytes_view bytes) {
  std::uint32_t h = 0x811c9dc5U;
  for (const std::byte b : bytes) h = (h ^ std::to_integer<std::uint32_t>(b)) * 0x01000193U;
  return (h & 0x80000000U) != 0 ? 0U - h : h;
}

std::optional<partition_id> partition_of_key(partitioner how, const std::optional<bytes_view>& key,
                                             std::int32_t partitions) {
  const bytes_view bytes = key.value_or(bytes_view());
  const auto of = [&](std::uint32_t hash) {
    return partition_id(static_cast<std::int32_t>(hash % static_cast<std::uint32_t>(partitions)));
  };
  switch (how) {
    case partitioner::java:
    case partitioner::murmur2_random:
      if (!key) return std::nullopt;
      [[fallthrough]];
    case partitioner::murmur2:
      return partition_id(murmur2_partition(bytes, partitions));
    case partitioner::consistent_random:
      if (bytes.empty()) return std::nullopt;
      [[fallthrough]];
    case partitioner::consistent:
      return of(crc32(bytes));
    case partitioner::fnv1a_random:
      if (!key) return std::nullopt;
      [[fallthrough]];
    case partitioner::fnv1a:
      return of(fnv1a(bytes));
    case partitioner::round_robin:
    case partitioner::random:
      break;
  }
  return std::nullopt;
}

std::int32_t choose_by_load(std::span<const std::int32_t> queues, std::uint64_t random) {
  const std::int32_t longest = *std::ranges::max_element(queues);
  if (longest < 0) return static_cast<std::int32_t>(random % queues.size());
  std::uint64_t sum = 0;
  for (const std::int32_t queue : queues) sum += queue < 0 ? 0 : static_cast<std::uint64_t>(longest - queue) + 1;
  std::uint64_t left = random % sum;
  for (std::size_t i = 0; i < queues.size(); ++i) {
    const std::uint64_t weight = queues[i] < 0 ? 0 : static_cast<std::uint64_t>(longest - queues[i]) + 1;
    if (left < weight) return static_cast<std::int32_t>(i);
    left -= weight;
  }
  return 0;
}

}  // namespace moldau::client
