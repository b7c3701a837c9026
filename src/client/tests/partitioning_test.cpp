#include "client/partitioning.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace moldau::client {
namespace {

std::optional<bytes_view> key(std::string_view text) {
  return as_bytes(text);
}

TEST(Murmur2, IsJavas) {
  // The values of Kafka's own test of Utils.murmur2.
  EXPECT_EQ(murmur2(as_bytes("21")), -973932308);
  EXPECT_EQ(murmur2(as_bytes("foobar")), -790332482);
  EXPECT_EQ(murmur2(as_bytes("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(murmur2(as_bytes("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(murmur2(as_bytes("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
  EXPECT_EQ(murmur2(as_bytes("abc")), 479470107);
}

TEST(Crc32, IsZlibs) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926U);
}

TEST(Fnv1a, IsSaramas) {
  // The values of librdkafka's own test, which come from Go.
  EXPECT_EQ(fnv1a(as_bytes("kafka")), 0x0d33c4e1U);
  EXPECT_EQ(fnv1a(as_bytes("giberish123456789")), 0x77a58295U);
  EXPECT_EQ(fnv1a(as_bytes("1234")), 0x23bdd03U);
  EXPECT_EQ(fnv1a(as_bytes("234")), 0x2dea3cd2U);
  EXPECT_EQ(fnv1a(as_bytes("PreAmbleWillBeRemoved,ThePrePartThatIs")), 0x65cbd69cU);
  EXPECT_EQ(fnv1a(bytes_view()), 0x7ee3623bU);
}

TEST(PartitionOfKey, TakesTheHashWithoutItsSign) {
  EXPECT_EQ(partition_of_key(partitioner::java, key("21"), 1000), partition_id((-973932308 & 0x7fffffff) % 1000));
  EXPECT_EQ(partition_of_key(partitioner::consistent, key("123456789"), 1000),
            partition_id(static_cast<std::int32_t>(0xcbf43926U % 1000)));
  EXPECT_EQ(partition_of_key(partitioner::fnv1a, key("kafka"), 1000), partition_id(0x0d33c4e1 % 1000));
}

TEST(PartitionOfKey, LeavesToChanceWhatLibrdkafkaDoes) {
  const std::optional<bytes_view> none;
  EXPECT_EQ(partition_of_key(partitioner::java, none, 7), std::nullopt);
  EXPECT_EQ(partition_of_key(partitioner::murmur2_random, none, 7), std::nullopt);
  EXPECT_EQ(partition_of_key(partitioner::fnv1a_random, none, 7), std::nullopt);
  EXPECT_EQ(partition_of_key(partitioner::consistent_random, none, 7), std::nullopt);
  EXPECT_EQ(partition_of_key(partitioner::consistent_random, key(""), 7), std::nullopt);
  EXPECT_EQ(partition_of_key(partitioner::round_robin, key("a"), 7), std::nullopt);
  EXPECT_EQ(partition_of_key(partitioner::random, key("a"), 7), std::nullopt);
}

TEST(PartitionOfKey, TakesAnEmptyKeyOrNoneAsOneWhereNothingIsLeftToChance) {
  for (const partitioner how : {partitioner::murmur2, partitioner::consistent, partitioner::fnv1a}) {
    EXPECT_TRUE(partition_of_key(how, std::nullopt, 7));
    EXPECT_EQ(partition_of_key(how, std::nullopt, 7), partition_of_key(how, key(""), 7));
  }
  EXPECT_TRUE(partition_of_key(partitioner::murmur2_random, key(""), 7));
}

TEST(ChooseByLoad, WeighsByWhatIsLeftToTheLongestQueue) {
  // KIP-794's own example: queues of 0, 3 and 1 have the weights 4, 1 and 3.
  const std::array<std::int32_t, 3> queues{0, 3, 1};
  std::array<int, 3> chosen{};
  for (std::uint64_t i = 0; i < 8; ++i) ++chosen[static_cast<std::size_t>(choose_by_load(queues, i))];
  EXPECT_EQ(chosen, (std::array{4, 1, 3}));
}

TEST(ChooseByLoad, LeavesOutWhatIsAvoidedUnlessNothingElseIsThere) {
  const std::array<std::int32_t, 3> some{-1, 2, -1};
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_EQ(choose_by_load(some, i), 1);
  const std::array<std::int32_t, 3> none{-1, -1, -1};
  std::set<std::int32_t> chosen;
  for (std::uint64_t i = 0; i < 10; ++i) chosen.insert(choose_by_load(none, i));
  EXPECT_EQ(chosen.size(), 3U);
}

TEST(StickyPartition, ChangesBetweenBatchesOnceEnoughWentThere) {
  sticky_partition at;
  const auto between = [](std::int32_t) { return true; };
  const auto within = [](std::int32_t) { return false; };
  EXPECT_EQ(at.current(100, between), std::nullopt);
  at.change_to(3);
  at.add(60);
  EXPECT_EQ(at.current(100, between), 3);
  at.add(60);
  EXPECT_EQ(at.current(100, within), 3);
  EXPECT_EQ(at.current(100, between), std::nullopt);
  at.add(80);
  EXPECT_EQ(at.current(100, within), std::nullopt) << "twice as much is enough in any case";
}

}  // namespace
}  // namespace moldau::client
