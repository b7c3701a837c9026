#include "wire/legacy_message_set.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "bytes/endian.hpp"
#include "wire/tests/batch_samples.hpp"

namespace moldau::wire {
namespace {

using testing::java_bytes;
using testing::owned_record;
using testing::read_all;
using testing::sample_append_time_ms;
using testing::sample_records;

result<std::vector<owned_record>> read_set(bytes_view bytes) {
  codec_context context;
  batch_iterator batches(bytes);
  std::vector<owned_record> out;
  while (true) {
    MOLDAU_TRY_ASSIGN(const auto batch, batches.next());
    if (!batch) return out;
    MOLDAU_TRY_ASSIGN(const std::vector<owned_record> records, read_all(*batch, context));
    out.insert(out.end(), records.begin(), records.end());
  }
}

class LegacyMessageSetOfCodec : public ::testing::TestWithParam<std::string> {
 public:
  static std::vector<owned_record> expected() {
    std::vector<owned_record> out = sample_records();
    for (owned_record& record : out) record.headers.clear();
    return out;
  }
};

TEST_P(LegacyMessageSetOfCodec, MagicZeroHasNoTimestamps) {
  const auto records = read_set(java_bytes("v0 " + GetParam()));
  ASSERT_TRUE(records) << records.error().message;
  std::vector<owned_record> without = expected();
  for (owned_record& record : without) record.timestamp_ms = no_timestamp;
  EXPECT_EQ(*records, without);
}

TEST_P(LegacyMessageSetOfCodec, MagicOneResolvesRelativeOffsets) {
  const auto records = read_set(java_bytes("v1 " + GetParam()));
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(*records, expected());
}

TEST_P(LegacyMessageSetOfCodec, AppendTimeComesFromTheWrapper) {
  const auto records = read_set(java_bytes("v1 append time " + GetParam()));
  ASSERT_TRUE(records) << records.error().message;
  std::vector<owned_record> stamped = expected();
  for (owned_record& record : stamped) record.timestamp_ms = sample_append_time_ms;
  EXPECT_EQ(*records, stamped);
}

TEST_P(LegacyMessageSetOfCodec, SurvivesAnyFlippedByte) {
  for (const char* magic : {"v0 ", "v1 "}) {
    const shared_bytes good = java_bytes(magic + GetParam());
    for (std::size_t at = legacy_layout::attributes; at < good.size(); ++at) {
      shared_bytes bad = shared_bytes::copy_of(good);
      bad.writable()[at] ^= std::byte{0xff};
      const auto records = read_set(bad);
      if (records) EXPECT_LE(records->size(), 4U);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, LegacyMessageSetOfCodec, ::testing::Values("none", "gzip", "snappy", "lz4"),
                         [](const auto& given) { return given.param; });

TEST(LegacyMessageSet, AWrapperStampedAnewStampsWhatItWraps) {
  shared_bytes bytes = java_bytes("v1 append time gzip");
  bytes::store_be(bytes.writable().data() + legacy_layout::timestamp, std::int64_t{12345});
  const auto records = read_set(bytes);
  ASSERT_TRUE(records);
  for (const owned_record& record : *records) EXPECT_EQ(record.timestamp_ms, 12345);
}

TEST(LegacyMessageSet, WrapperOffsetZeroLeavesInnerOffsetsAsTheyAre) {
  shared_bytes bytes = java_bytes("v1 gzip");
  set_base_offset(bytes.writable(), offset(0));
  const auto records = read_set(bytes);
  ASSERT_TRUE(records);
  EXPECT_EQ(records->front().offset, 0);
  EXPECT_EQ(records->back().offset, 3);
}

TEST(LegacyMessageSet, RefusesAWrapperBeforeWhatItWraps) {
  shared_bytes bytes = java_bytes("v1 gzip");
  set_base_offset(bytes.writable(), offset(2));
  const auto records = read_set(bytes);
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().code, errc::corrupt_message);
}

TEST(LegacyMessageSet, TakesTheWrongLz4HeaderChecksumInMagicZeroOnly) {
  for (const auto& [name, is_taken] : {std::pair{"v0 lz4", true}, std::pair{"v1 lz4", false}}) {
    shared_bytes bytes = java_bytes(name);
    constexpr std::size_t header_checksum = 6;
    const std::size_t value = is_taken ? legacy_layout::key_v0 + 8 : legacy_layout::key_v1 + 8;
    bytes.writable()[value + header_checksum] ^= std::byte{0xff};
    EXPECT_EQ(read_set(bytes).has_value(), is_taken) << name;
  }
}

TEST(LegacyMessageSet, RefusesZstdAndMissingValues) {
  shared_bytes zstd = java_bytes("v1 gzip");
  zstd.writable()[legacy_layout::attributes] = std::byte{4};
  EXPECT_FALSE(read_set(zstd));
  shared_bytes plain = java_bytes("v1 none");
  plain.writable()[legacy_layout::attributes] = std::byte{1};
  EXPECT_FALSE(read_set(plain));
}

TEST(LegacyMessageSet, StopsAtTheLimit) {
  codec_context context;
  const shared_bytes bytes = java_bytes("v1 gzip");
  const auto records = read_legacy(batch_view(bytes), context, 100);
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().code, errc::message_too_large);
}

}  // namespace
}  // namespace moldau::wire
