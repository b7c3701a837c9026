#include "peer/frame_reader.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "bytes/endian.hpp"

namespace moldau::peer {
namespace {

std::string frame(std::string_view body) {
  std::string out(4, '\0');
  bytes::store_be(reinterpret_cast<std::byte*>(out.data()), static_cast<std::int32_t>(body.size()));
  return out + std::string(body);
}

/// Feeds `stream` in pieces of at most `piece` bytes.
std::vector<std::string> read(frame_reader& reader, std::string_view stream, std::size_t piece) {
  std::vector<std::string> out;
  while (!stream.empty()) {
    const mutable_bytes into = reader.space();
    const std::size_t size = std::min({piece, stream.size(), into.size()});
    std::memcpy(into.data(), stream.data(), size);
    stream.remove_prefix(size);
    reader.filled(size);
    while (auto next = reader.next().value()) out.emplace_back(as_text(*next));
  }
  return out;
}

TEST(FrameReader, GivesWholeFramesHoweverTheyArrive) {
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 % 251);
  const std::string stream = frame("1234") + frame(large) + frame("abcdef") + frame("wxyz");
  for (const std::size_t piece : {std::size_t{1} << 20U, std::size_t{40'000}, std::size_t{4096}, std::size_t{7}}) {
    frame_reader reader(std::size_t{8} << 20U);
    const auto frames = read(reader, stream, piece);
    ASSERT_EQ(frames.size(), 4U) << piece;
    EXPECT_EQ(frames[0], "1234");
    EXPECT_TRUE(frames[1] == large) << piece;
    EXPECT_EQ(frames[2], "abcdef");
    EXPECT_EQ(frames[3], "wxyz");
  }
}

TEST(FrameReader, RefusesLengthsThatCannotBe) {
  for (const std::int32_t length : {-1, 0, 3, 1025, INT32_MAX}) {
    frame_reader reader(1024);
    std::byte* to = reader.space().data();
    bytes::store_be(to, length);
    reader.filled(4);
    const auto got = reader.next();
    ASSERT_FALSE(got) << length;
    EXPECT_EQ(got.error().code, errc::malformed);
  }
}

}  // namespace
}  // namespace moldau::peer
