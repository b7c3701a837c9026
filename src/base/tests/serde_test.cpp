#include "moldau/core/serde.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace moldau {
namespace {

template <typename T>
std::string hex(const T& value) {
  std::vector<std::byte> out;
  serde<T>().write(value, out);
  std::string text;
  for (const std::byte b : out) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4U];
    text += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15U];
  }
  return text;
}

template <typename T>
T back(const T& value) {
  std::vector<std::byte> bytes;
  return deserialize<T>(serialize(value, bytes).value()).value();
}

// The expected bytes are those of Kafka's Java serializers.
TEST(Serde, NumbersAreBigEndian) {
  EXPECT_EQ(hex<std::int16_t>(-2), "fffe");
  EXPECT_EQ(hex<std::int32_t>(0x01020304), "01020304");
  EXPECT_EQ(hex<std::int64_t>(std::numeric_limits<std::int64_t>::min()), "8000000000000000");
  EXPECT_EQ(hex<float>(1.5F), "3fc00000");
  EXPECT_EQ(hex<double>(-2.0), "c000000000000000");
  EXPECT_EQ(hex<bool>(true), "01");
}

TEST(Serde, NumbersComeBack) {
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, INT64_MIN}) EXPECT_EQ(back(n), n);
  for (const std::int32_t n : {0, -1, INT32_MAX, INT32_MIN}) EXPECT_EQ(back(n), n);
  for (const std::int16_t n : std::initializer_list<std::int16_t>{0, -1, INT16_MAX, INT16_MIN}) EXPECT_EQ(back(n), n);
  EXPECT_EQ(back(0.1), 0.1);
  EXPECT_EQ(back(3.25F), 3.25F);
  EXPECT_FALSE(back(false));
}

TEST(Serde, AUuidIsJavasText) {
  const auto id = deserialize<uuid>(as_bytes("123E4567-e89b-12d3-a456-426614174000")).value();
  std::vector<std::byte> bytes;
  EXPECT_EQ(as_text(*serialize(id, bytes).value()), "123e4567-e89b-12d3-a456-426614174000");
  EXPECT_EQ(std::to_integer<int>(id.bytes()[0]), 0x12);
  EXPECT_EQ(std::to_integer<int>(id.bytes()[15]), 0x00);
}

TEST(Serde, BytesThatCantBeAreRefused) {
  EXPECT_EQ(deserialize<std::int32_t>(as_bytes("abc")).error().code, errc::malformed);
  EXPECT_EQ(deserialize<std::int64_t>(as_bytes("")).error().message, "the number takes 8 bytes, and there are 0");
  EXPECT_FALSE(deserialize<bool>(as_bytes("\x02")));
  EXPECT_FALSE(deserialize<uuid>(as_bytes("123e4567xe89b-12d3-a456-426614174000")));
  EXPECT_FALSE(deserialize<uuid>(as_bytes("123e4567-e89b-12d3-a456-42661417400g")));
  EXPECT_FALSE(deserialize<uuid>(as_bytes("123e4567")));
}

TEST(Serde, OnlyAnOptionalCanBeNull) {
  EXPECT_EQ(deserialize<std::string>(std::nullopt).error().code, errc::malformed);
  EXPECT_EQ(deserialize<std::optional<std::string>>(std::nullopt).value(), std::nullopt);
  std::vector<std::byte> bytes;
  EXPECT_FALSE(serialize(std::optional<std::int32_t>(), bytes).value());
  EXPECT_EQ(back(std::optional<std::int32_t>(7)), 7);
  EXPECT_EQ(back(std::string()), "");
}

struct point {
  int x = 0;
  int y = 0;
  friend bool operator==(const point&, const point&) = default;
};

}  // namespace

template <>
struct serde<point> {
  using value_type = point;
  result<void> write(const point& p, std::vector<std::byte>& out) const {
    if (p.x < 0) return fail(errc::invalid_argument, "points lie right of the axis");
    serde<std::int32_t>().write(p.x, out);
    serde<std::int32_t>().write(p.y, out);
    return {};
  }
  result<point> read(bytes_view from) const {
    if (from.size() != 8) return fail(errc::malformed, "a point takes 8 bytes");
    const serde<std::int32_t> number;
    return point{number.read(from.first(4)).value(), number.read(from.last(4)).value()};
  }
};

namespace {

TEST(Serde, ATypeOfTheUsersOwnMayFail) {
  static_assert(serde_for<serde<point>, point>);
  static_assert(!serde_for<serde<std::string>, point>);
  EXPECT_EQ(back(point{3, 4}), (point{3, 4}));
  std::vector<std::byte> bytes;
  EXPECT_EQ(serialize(point{-1, 0}, bytes).error().message, "points lie right of the axis");
}

}  // namespace
}  // namespace moldau
