#include "wire/compression.hpp"

#include <gtest/gtest.h>
#include <snappy.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace moldau::wire {
namespace {

constexpr codec real_codecs[] = {codec::gzip, codec::snappy, codec::lz4, codec::zstd};

shared_bytes packed(const compression& how, bytes_view input, codec_context& context) {
  shared_bytes out = shared_bytes::allocate(compress_bound(how.type, input.size()));
  const auto size = compress(how, input, out.writable(), context);
  EXPECT_TRUE(size) << (size ? "" : size.error().message);
  return out.slice(0, size.value_or(0));
}

std::string noise(std::size_t size) {
  std::mt19937_64 random(7);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

TEST(Compression, NamesAreKafkas) {
  EXPECT_EQ(name(codec::none), "none");
  EXPECT_EQ(parse_codec("lz4"), codec::lz4);
  EXPECT_EQ(parse_codec("zstd"), codec::zstd);
  EXPECT_EQ(parse_codec("LZ4"), std::nullopt);
  EXPECT_EQ(parse_codec("producer"), std::nullopt);
}

TEST(Compression, ReadsBackWhatItWrote) {
  codec_context context;
  for (const codec type : {codec::none, codec::gzip, codec::snappy, codec::lz4, codec::zstd}) {
    for (const std::size_t size : {0U, 1U, 100U, 32'767U, 32'768U, 32'769U, 65'536U, 65'537U, 1'000'000U}) {
      for (const std::string& input : {noise(size), std::string(size, 'm')}) {
        const shared_bytes small = packed(compression::of(type), as_bytes(input), context);
        const auto again = decompress(type, small, input.size(), context);
        ASSERT_TRUE(again) << name(type) << " " << size << ": " << again.error().message;
        EXPECT_EQ(as_text(*again), input) << name(type) << " " << size;
      }
    }
  }
}

TEST(Compression, TakesEveryLevelOfKafkasRangesAndNoOther) {
  codec_context context;
  const std::string input = noise(5'000) + std::string(5'000, 'm');
  for (const codec type : real_codecs) {
    const level_range range = levels_of(type);
    std::vector<int> levels{range.usual, range.least, range.most};
    for (int level = 1; level <= range.most; ++level) levels.push_back(level);
    for (const int level : levels) {
      const auto again = decompress(type, packed({type, level}, as_bytes(input), context), 10'000, context);
      ASSERT_TRUE(again) << name(type) << " " << level;
      EXPECT_EQ(as_text(*again), input) << name(type) << " " << level;
    }
    shared_bytes out = shared_bytes::allocate(compress_bound(type, input.size()));
    for (const int level : {range.least - (type == codec::gzip ? 3 : 1), range.most + 1}) {
      const auto refused = compress({type, level}, as_bytes(input), out.writable(), context);
      ASSERT_FALSE(refused) << name(type) << " " << level;
      EXPECT_EQ(refused.error().code, errc::invalid_argument);
    }
  }
  EXPECT_FALSE(levels_of(codec::gzip).contains(0));
}

TEST(Compression, UsesTheFastLz4AtItsUsualLevelAsKafkaDoes) {
  codec_context context;
  std::string words;
  for (int i = 0; i < 5'000; ++i) words += std::to_string(i * 7919 % 1000) + " moldau ";
  const auto size_at = [&](int level) { return packed({codec::lz4, level}, as_bytes(words), context).size(); };
  EXPECT_GT(size_at(9), size_at(3));
  EXPECT_LE(size_at(17), size_at(3));
}

TEST(Compression, StopsAtTheLimitExactly) {
  codec_context context;
  const std::string input(100'000, 'm');
  for (const codec type : {codec::none, codec::gzip, codec::snappy, codec::lz4, codec::zstd}) {
    const shared_bytes small = packed(compression::of(type), as_bytes(input), context);
    EXPECT_TRUE(decompress(type, small, 100'000, context)) << name(type);
    const auto past = decompress(type, small, 99'999, context);
    ASSERT_FALSE(past) << name(type);
    EXPECT_EQ(past.error().code, errc::message_too_large) << name(type);
  }
}

TEST(Compression, RefusesDataThatIsCutShortOrFollowedBySomething) {
  codec_context context;
  const std::string input = noise(1'000) + std::string(70'000, 'm');
  for (const codec type : real_codecs) {
    const shared_bytes small = packed(compression::of(type), as_bytes(input), context);
    for (std::size_t keep = 0; keep < small.size(); keep += 7) {
      const shared_bytes cut = shared_bytes::copy_of(small.view().first(keep));
      const auto read = decompress(type, cut, 1'000'000, context);
      // Java's snappy framing has no end mark: a cut between its blocks can't be seen.
      if (read && type == codec::snappy) continue;
      ASSERT_FALSE(read) << name(type) << " " << keep;
      EXPECT_EQ(read.error().code, errc::corrupt_message) << name(type) << " " << keep;
    }
    std::string longer(as_text(small));
    longer += "abc";
    EXPECT_FALSE(decompress(type, as_bytes(longer), 1'000'000, context)) << name(type);
  }
}

TEST(Compression, ReadsAcrossSmallPieces) {
  codec_context context;
  const std::string input = noise(3'000) + std::string(100'000, 'm');
  for (const codec type : real_codecs) {
    const shared_bytes small = packed(compression::of(type), as_bytes(input), context);
    auto from = decompressor::open(type, small, context);
    ASSERT_TRUE(from);
    std::string got;
    std::vector<std::byte> piece(777);
    while (true) {
      const auto size = from->read(piece);
      ASSERT_TRUE(size) << size.error().message;
      got += as_text(bytes_view(piece).first(*size));
      if (*size < piece.size()) break;
    }
    EXPECT_EQ(got, input) << name(type);
    EXPECT_EQ(from->read(piece), 0U) << name(type);
  }
}

TEST(Compression, SeveralReadersMayBeOpenOnOneContext) {
  codec_context context;
  const std::string one(50'000, 'a');
  const std::string two(50'000, 'b');
  for (const codec type : real_codecs) {
    const shared_bytes small_one = packed(compression::of(type), as_bytes(one), context);
    const shared_bytes small_two = packed(compression::of(type), as_bytes(two), context);
    auto from_one = decompressor::open(type, small_one, context);
    auto from_two = decompressor::open(type, small_two, context);
    ASSERT_TRUE(from_one && from_two);
    std::vector<std::byte> piece(100);
    for (int i = 0; i < 500; ++i) {
      ASSERT_EQ(from_one->read(piece), 100U);
      ASSERT_EQ(as_text(piece), one.substr(0, 100));
      ASSERT_EQ(from_two->read(piece), 100U);
      ASSERT_EQ(as_text(piece), two.substr(0, 100));
    }
  }
}

TEST(Compression, ReadsABareSnappyBlock) {
  codec_context context;
  const std::string input = noise(10) + std::string(200'000, 'm');
  std::string block;
  snappy::Compress(input.data(), input.size(), &block);
  const auto again = decompress(codec::snappy, as_bytes(block), 1'000'000, context);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(as_text(*again), input);
}

TEST(Compression, BelievesNoSnappyLengthThatTheDataCannotHold) {
  codec_context context;
  const std::string claims_4_gib("\xff\xff\xff\xff\x0f\x00\x61", 7);
  const auto read = decompress(codec::snappy, as_bytes(claims_4_gib), std::size_t{1} << 33U, context);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::corrupt_message);
}

TEST(Compression, ReadsGzipOfSeveralMembers) {
  codec_context context;
  const auto gzip = compression::of(codec::gzip);
  std::string both(as_text(packed(gzip, as_bytes("one "), context)));
  both += as_text(packed(gzip, as_bytes("two"), context));
  const auto again = decompress(codec::gzip, as_bytes(both), 100, context);
  ASSERT_TRUE(again);
  EXPECT_EQ(as_text(*again), "one two");
}

TEST(Compression, WritesLz4FramesAsKafkasClientsDo) {
  codec_context context;
  const std::string input(200'000, 'm');
  const shared_bytes frame = packed(compression::of(codec::lz4), as_bytes(input), context);
  // Magic; version 1 with independent blocks and nothing else; blocks of 64 KiB; the checksum of these two.
  const std::string header("\x04\x22\x4d\x18\x60\x40\x82", 7);
  EXPECT_EQ(as_text(frame).substr(0, 7), header);
}

}  // namespace
}  // namespace moldau::wire
