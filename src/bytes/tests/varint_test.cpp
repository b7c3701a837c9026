#include "bytes/varint.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>

#include "bytes/crc32c.hpp"

namespace moldau::bytes {
namespace {

TEST(Varint, ReadsBackWhatItWrote) {
  for (std::uint64_t v : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{1} << 31U,
                          std::numeric_limits<std::uint64_t>::max()}) {
    std::array<std::byte, 10> memory{};
    std::byte* end = write_varint(memory.data(), v);
    EXPECT_EQ(static_cast<std::size_t>(end - memory.data()), varint_size(v));
    bytes_view from(memory.data(), end);
    EXPECT_EQ(read_varint64(from), v);
    EXPECT_TRUE(from.empty());
  }
}

TEST(Varint, RefusesOneThatIsCutShort) {
  const std::array<std::byte, 2> cut{std::byte{0x80}, std::byte{0x80}};
  bytes_view from(cut);
  EXPECT_EQ(read_varint32(from), std::nullopt);
  EXPECT_EQ(from.size(), cut.size());
}

TEST(Varint, RefusesMoreThan32Bits) {
  const std::array<std::byte, 5> big{std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                                     std::byte{0x1f}};
  bytes_view from(big);
  EXPECT_EQ(read_varint32(from), std::nullopt);
}

TEST(Varint, ZigzagKeepsSmallNumbersSmall) {
  EXPECT_EQ(zigzag(std::int32_t{-1}), 1U);
  EXPECT_EQ(unzigzag(zigzag(std::numeric_limits<std::int64_t>::min())), std::numeric_limits<std::int64_t>::min());
}

// RFC 3720, B.4.
TEST(Crc32c, MatchesTheStandardsExamples) {
  const std::array<std::byte, 32> zeros{};
  EXPECT_EQ(crc32c(zeros), 0x8a9136aaU);
  std::array<std::byte, 32> ones{};
  ones.fill(std::byte{0xff});
  EXPECT_EQ(crc32c(ones), 0x62a8ab43U);
}

TEST(Crc32c, GoesOnFromASeedAcrossBothPaths) {
  std::vector<std::byte> data(5000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7);
  const bytes_view all(data);
  for (std::size_t cut : {0, 1, 1023, 1024, 4999}) {
    EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), crc32c(all));
  }
}

}  // namespace
}  // namespace moldau::bytes
