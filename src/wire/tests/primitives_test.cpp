#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "wire/arena.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

namespace moldau::wire {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

/// What `write` leaves in `size` bytes.
template <typename Write>
std::vector<std::byte> written(std::size_t size, Write write) {
  std::vector<std::byte> out(size);
  writer to(out);
  write(to);
  EXPECT_TRUE(to.status().has_value());
  EXPECT_EQ(to.position(), size);
  return out;
}

/// Whether reading from exactly these bytes fails as bad input does.
template <typename Read>
bool is_malformed(std::initializer_list<int> values, Read read) {
  const auto bytes = bytes_of(values);
  reader in(bytes);
  read(in);
  return !in.status() && in.status().error().code == errc::malformed;
}

TEST(Reader, ReadsWhatTheWriterWrote) {
  const std::vector<std::byte> bytes = written(1 + 2 + 4 + 8 + 2 + 4 + 8 + 1 + 5 + 3 + 10, [](writer& out) {
    out.i8(-1);
    out.i16(-2);
    out.i32(-3);
    out.i64(std::numeric_limits<std::int64_t>::min());
    out.u16(65535);
    out.u32(4294967295U);
    out.f64(-0.5);
    out.boolean(true);
    out.varint(4294967295U);
    out.signed_varint(-10000);
    out.signed_varlong(std::numeric_limits<std::int64_t>::min());
  });
  reader in(bytes);
  EXPECT_EQ(in.i8(), -1);
  EXPECT_EQ(in.i16(), -2);
  EXPECT_EQ(in.i32(), -3);
  EXPECT_EQ(in.i64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(in.u16(), 65535);
  EXPECT_EQ(in.u32(), 4294967295U);
  EXPECT_EQ(in.f64(), -0.5);
  EXPECT_TRUE(in.boolean());
  EXPECT_EQ(in.varint(), 4294967295U);
  EXPECT_EQ(in.signed_varint(), -10000);
  EXPECT_EQ(in.signed_varlong(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(in.remaining(), 0U);
  EXPECT_TRUE(in.status().has_value());
}

TEST(Reader, FailsOnANumberCutShort) {
  EXPECT_TRUE(is_malformed({}, [](reader& in) { EXPECT_EQ(in.i8(), 0); }));
  EXPECT_TRUE(is_malformed({1, 2, 3}, [](reader& in) { EXPECT_EQ(in.i32(), 0); }));
  EXPECT_TRUE(is_malformed({1, 2, 3}, [](reader& in) { EXPECT_TRUE(in.uuid().is_zero()); }));
  EXPECT_TRUE(is_malformed({0x80}, [](reader& in) { EXPECT_EQ(in.varint(), 0U); }));
}

TEST(Reader, FailsOnAVarintOver32Bits) {
  EXPECT_TRUE(is_malformed({0xff, 0xff, 0xff, 0xff, 0x1f}, [](reader& in) { EXPECT_EQ(in.varint(), 0U); }));
  EXPECT_TRUE(is_malformed({0x80, 0x80, 0x80, 0x80, 0x80, 0}, [](reader& in) { EXPECT_EQ(in.varint(), 0U); }));
}

TEST(Reader, FailsOnALengthPastTheEnd) {
  EXPECT_TRUE(is_malformed({0, 3, 'a', 'b'}, [](reader& in) { EXPECT_EQ(in.string(false), ""); }));
  EXPECT_TRUE(is_malformed({4, 'a', 'b'}, [](reader& in) { EXPECT_EQ(in.string(true), ""); }));
  EXPECT_TRUE(is_malformed({0x7f, 0xff, 0xff, 0xff, 1}, [](reader& in) { EXPECT_TRUE(in.bytes(false).empty()); }));
  EXPECT_TRUE(is_malformed({0xff, 0xff, 0xff, 0xff, 0x0f, 1}, [](reader& in) { EXPECT_TRUE(in.bytes(true).empty()); }));
  EXPECT_TRUE(is_malformed({0, 0, 0, 2, 1}, [](reader& in) { EXPECT_TRUE(in.nullable_records(false).is_null()); }));
}

TEST(Reader, FailsOnANegativeLength) {
  EXPECT_TRUE(is_malformed({0xff, 0xfe}, [](reader& in) { EXPECT_FALSE(in.nullable_string(false)); }));
  EXPECT_TRUE(is_malformed({0x80, 0, 0, 0}, [](reader& in) { EXPECT_FALSE(in.nullable_bytes(false)); }));
  EXPECT_TRUE(is_malformed({0xff, 0xff, 0xff, 0xfe}, [](reader& in) { EXPECT_EQ(in.array_count(false, 1), 0U); }));
}

TEST(Reader, FailsOnNullWhereItMayNotBe) {
  EXPECT_TRUE(is_malformed({0xff, 0xff}, [](reader& in) { EXPECT_EQ(in.string(false), ""); }));
  EXPECT_TRUE(is_malformed({0}, [](reader& in) { EXPECT_EQ(in.string(true), ""); }));
  EXPECT_TRUE(is_malformed({0}, [](reader& in) { EXPECT_TRUE(in.bytes(true).empty()); }));
  EXPECT_TRUE(is_malformed({0xff, 0xff, 0xff, 0xff}, [](reader& in) { EXPECT_EQ(in.array_count(false, 1), 0U); }));
}

TEST(Reader, TellsNullFromEmpty) {
  const auto bytes = bytes_of({0, 1, 0xff, 0xff, 0, 0, 0, 1});
  reader in(bytes);
  EXPECT_EQ(in.nullable_string(true), std::nullopt);
  EXPECT_EQ(in.nullable_string(true), "");
  EXPECT_EQ(in.nullable_string(false), std::nullopt);
  EXPECT_EQ(in.nullable_string(false), "");
  EXPECT_EQ(in.nullable_array_count(true, 1), std::nullopt);
  EXPECT_EQ(in.nullable_array_count(true, 1), 0U);
  EXPECT_TRUE(in.ok());
}

TEST(Reader, BelievesNoCountThatCannotFollow) {
  // Room for two elements of two bytes.
  EXPECT_TRUE(is_malformed({0, 0, 0, 3, 1, 2, 3, 4, 5}, [](reader& in) { EXPECT_EQ(in.array_count(false, 2), 0U); }));
  EXPECT_TRUE(is_malformed({4, 1, 2, 3, 4, 5}, [](reader& in) { EXPECT_EQ(in.array_count(true, 2), 0U); }));
  EXPECT_FALSE(is_malformed({3, 1, 2, 3, 4, 5}, [](reader& in) { EXPECT_EQ(in.array_count(true, 2), 2U); }));
  EXPECT_TRUE(is_malformed({0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 1},
                           [](reader& in) { EXPECT_EQ(in.nullable_array_count(true, 1), std::nullopt); }));
}

constexpr std::size_t mib = std::size_t{1} << 20U;

/// Room for counts of 1,000 at its beginning, one after the other.
std::vector<std::byte> counts_of_1000(std::size_t counts, std::size_t size) {
  std::vector<std::byte> out(size);
  writer to(out);
  for (std::size_t i = 0; i < counts; ++i) to.i32(1000);
  return out;
}

TEST(Reader, BoundsTheMemoryOfAllArraysTogether) {
  // 64 KiB may become 3 MiB: an array of 2 MiB fits once, not twice.
  const auto bytes = counts_of_1000(2, std::size_t{64} << 10U);
  reader in(bytes);
  EXPECT_EQ(in.array_count(false, 1, 2097), 1000U);
  EXPECT_GE(in.memory_taken(), 2'097'000U);
  EXPECT_EQ(in.array_count(false, 1, 2097), 0U);
  EXPECT_FALSE(in.ok());
}

TEST(Reader, LetsALargeMessageTakeLittleMoreThanTwiceItsSize) {
  // 16 MiB may become 1 + 64 + 2 x 16 = 97 MiB, not the 513 MiB of 32 times.
  const auto bytes = counts_of_1000(1, 16 * mib);
  reader within(bytes);
  EXPECT_EQ(within.array_count(false, 1, 96 * mib / 1000), 1000U);
  reader beyond(bytes);
  EXPECT_EQ(beyond.array_count(false, 1, 98 * mib / 1000), 0U);
  EXPECT_FALSE(beyond.ok());
}

TEST(Reader, SticksToTheFirstFailure) {
  const auto bytes = bytes_of({0, 9, 'a', 0, 1, 'b'});
  reader in(bytes);
  EXPECT_EQ(in.string(false), "");
  const error first = in.status().error();
  EXPECT_EQ(in.i8(), 0);
  EXPECT_EQ(in.string(false), "");
  EXPECT_EQ(in.remaining(), 0U);
  EXPECT_EQ(in.status().error(), first);
}

TEST(Reader, ViewsPointIntoItsBytes) {
  const auto bytes = bytes_of({3, 'a', 'b', 3, 1, 2});
  reader in(bytes);
  EXPECT_EQ(in.string(true).data(), reinterpret_cast<const char*>(bytes.data() + 1));
  EXPECT_EQ(in.bytes(true).data(), bytes.data() + 4);
}

/// Reads the tags of `values`, keeping all but tag 1, which is an i16.
std::pair<std::vector<unknown_tag>, std::int16_t> read_tags(reader& in) {
  std::vector<unknown_tag> unknown;
  std::int16_t one = 0;
  for (tag_reader tags(in); tags.next();) {
    if (tags.tag() == 1) {
      one = tags.value().i16();
    } else {
      tags.keep(unknown);
    }
  }
  return {unknown, one};
}

TEST(TagReader, KeepsUnknownTags) {
  const auto bytes = bytes_of({3, 0, 0, 1, 2, 0x12, 0x34, 200, 1, 1, 7});
  reader in(bytes);
  const auto [unknown, one] = read_tags(in);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(one, 0x1234);
  ASSERT_EQ(unknown.size(), 2U);
  EXPECT_EQ(unknown[0], (unknown_tag{.tag = 0, .data = {}}));
  EXPECT_EQ(unknown[1], (unknown_tag{.tag = 200, .data = bytes_view(bytes).last(1)}));
}

TEST(TagReader, FailsOnATagThatComesTwiceOrTooLate) {
  EXPECT_TRUE(is_malformed({2, 1, 2, 0, 0, 1, 2, 0, 0}, read_tags));
  EXPECT_TRUE(is_malformed({2, 5, 0, 5, 0}, read_tags));
  EXPECT_TRUE(is_malformed({2, 5, 0, 4, 0}, read_tags));
}

TEST(TagReader, FailsOnAValueOfTheWrongSize) {
  EXPECT_TRUE(is_malformed({1, 1, 1, 0}, read_tags));
  EXPECT_TRUE(is_malformed({1, 1, 3, 0, 0, 0}, read_tags));
}

TEST(TagReader, FailsPastTheEnd) {
  EXPECT_TRUE(is_malformed({}, read_tags));
  EXPECT_TRUE(is_malformed({1}, read_tags));
  EXPECT_TRUE(is_malformed({1, 5, 9, 0}, read_tags));
  EXPECT_TRUE(is_malformed({0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0}, read_tags));
}

TEST(TagReader, LeavesTheBoundOnMemoryToTheWholeMessage) {
  // An array of 2 MiB, no tags, and another: the second neither has a bound of its own nor the first's again.
  auto bytes = counts_of_1000(2, std::size_t{128} << 10U);
  std::copy_backward(bytes.begin() + 4, bytes.begin() + 8, bytes.begin() + 9);
  bytes[4] = std::byte{0};
  reader in(bytes);
  EXPECT_EQ(in.array_count(false, 1, 2097), 1000U);
  static_cast<void>(read_tags(in));
  EXPECT_EQ(in.array_count(false, 1, 2097), 1000U) << "128 KiB may become 5 MiB";
  const std::size_t taken = in.memory_taken();
  EXPECT_GE(taken, 2 * 2'097'000U);
}

TEST(TagReader, CountsTheMemoryOfUnknownTags) {
  const auto bytes = bytes_of({2, 0, 0, 200, 1, 1, 7});
  reader in(bytes);
  const auto unknown = read_tags(in).first;
  ASSERT_EQ(unknown.size(), 2U);
  EXPECT_GE(in.memory_taken(), 2 * sizeof(unknown_tag));
}

TEST(Writer, NotesWhereExternalRecordsBelong) {
  const auto inlined = bytes_of({1, 2});
  std::vector<std::byte> out(4 + 4 + 2 + 1 + 2);
  writer to(out);
  to.records(records_field::external(1000, 7), false);
  to.records(records_field(inlined), false);
  to.records(records_field(), true);
  to.records(records_field::external(200, 8), true);
  EXPECT_EQ(to.position(), out.size());
  EXPECT_EQ(to.external_size(), 1200U);
  ASSERT_EQ(to.splices().size(), 2U);
  EXPECT_EQ(to.splices()[0], (splice{.position = 4, .size = 1000, .id = 7}));
  EXPECT_EQ(to.splices()[1], (splice{.position = 13, .size = 200, .id = 8}));
  reader in(out);
  EXPECT_EQ(in.i32(), 1000);
}

TEST(Writer, MeasuresWhatItWrites) {
  const std::string text(200, 'x');
  for (const bool flexible : {false, true}) {
    const bytes_view bytes = as_bytes(text);
    written(string_size(text, flexible), [&](writer& out) { out.string(text, flexible); });
    written(nullable_string_size(std::nullopt, flexible), [&](writer& out) { out.nullable_string({}, flexible); });
    written(bytes_size(bytes, flexible), [&](writer& out) { out.bytes(bytes, flexible); });
    written(nullable_bytes_size(std::nullopt, flexible), [&](writer& out) { out.nullable_bytes({}, flexible); });
    written(records_size(bytes, flexible), [&](writer& out) { out.records(bytes, flexible); });
    written(records_size({}, flexible), [&](writer& out) { out.records({}, flexible); });
    written(array_count_size(127, flexible), [&](writer& out) { out.array_count(127, flexible); });
    written(null_array_size(flexible), [&](writer& out) { out.null_array(flexible); });
  }
}

TEST(Writer, WritesUnknownTagsAroundKnownOnes) {
  const auto data = bytes_of({9});
  const std::vector<unknown_tag> unknown{{.tag = 1, .data = data}, {.tag = 0xffffffffU, .data = data}};
  const auto bytes = written(unknown_tags_size(unknown), [&](writer& out) {
    EXPECT_EQ(out.unknown_tags(unknown, 0, 1), 0U);
    EXPECT_EQ(out.unknown_tags(unknown, 0, 2), 1U);
    EXPECT_EQ(out.unknown_tags(unknown, 1), 2U);
  });
  EXPECT_EQ(bytes, bytes_of({1, 1, 9, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 9}));
}

TEST(Writer, RefusesAStringThatAShortLengthCannotSay) {
  const std::string text(32768, 'x');
  std::vector<std::byte> out(string_size(text, false));
  writer to(out);
  to.string(text, false);
  ASSERT_FALSE(to.status().has_value());
  EXPECT_EQ(to.status().error().code, errc::unsupported_version);
}

TEST(Writer, WritingPastTheEndIsABrokenInvariant) {
  std::vector<std::byte> out(3);
  writer to(out);
  EXPECT_THROW(to.i32(1), base::broken_invariant);
}

TEST(Arena, KeepsWhatItStoresThroughGrowthAndMove) {
  arena first;
  std::vector<std::string_view> views;
  for (int i = 0; i < 2000; ++i) views.push_back(first.store("text " + std::to_string(i)));
  const std::string_view large = first.store(std::string(100000, 'y'));
  arena second = std::move(first);
  static_cast<void>(second.store("more"));
  static_cast<void>(first.store("used again"));  // NOLINT(bugprone-use-after-move): empty, and of no harm
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(views[static_cast<std::size_t>(i)], "text " + std::to_string(i));
  EXPECT_TRUE(std::all_of(large.begin(), large.end(), [](char c) { return c == 'y'; }));
}

}  // namespace
}  // namespace moldau::wire
