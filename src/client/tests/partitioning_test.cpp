#include "client/partitioning.hpp"

#include <gtest/gtest.h>

namespace moldau::client {
namespace {

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

}  // namespace
}  // namespace moldau::client
