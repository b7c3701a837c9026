#include "wire/record_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "bytes/endian.hpp"
#include "wire/batch_builder.hpp"
#include "wire/tests/batch_samples.hpp"

namespace moldau::wire {
namespace {

using testing::java_bytes;
using testing::owned_record;
using testing::read_all;
using testing::sample_append_time_ms;
using testing::sample_records;

class RecordReaderOfCodec : public ::testing::TestWithParam<std::string> {};

TEST_P(RecordReaderOfCodec, ReadsWhatKafkaWrote) {
  codec_context context;
  const shared_bytes bytes = java_bytes("v2 " + GetParam());
  const auto records = read_all(batch_view(bytes), context);
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(*records, sample_records());
}

TEST_P(RecordReaderOfCodec, ReadsPayloadsDecompressedBeforehand) {
  codec_context context;
  const shared_bytes bytes = java_bytes("v2 " + GetParam());
  const batch_view batch(bytes);
  const auto payload = decompress(batch.compression(), batch.payload(), 1000, context);
  ASSERT_TRUE(payload);
  record_reader reader = record_reader::over(batch.header(), *payload);
  std::vector<owned_record> records;
  record_view record;
  for (auto more = reader.next(record); more && *more; more = reader.next(record))
    records.push_back(owned_record::of(record));
  EXPECT_EQ(records, sample_records());
  EXPECT_EQ(reader.records_bytes(), payload->size());
}

TEST_P(RecordReaderOfCodec, FindsNoCrashInAnyTruncation) {
  codec_context context;
  const shared_bytes good = java_bytes("v2 " + GetParam());
  for (std::size_t keep = batch_layout::header_size; keep < good.size(); ++keep) {
    // In memory of just that size, so that a sanitizer sees a step too far.
    shared_bytes cut = shared_bytes::copy_of(good.view().first(keep));
    bytes::store_be(cut.writable().data() + batch_layout::length,
                    static_cast<std::int32_t>(keep - batch_layout::log_overhead));
    const auto records = read_all(batch_view(cut), context);
    ASSERT_FALSE(records) << keep;
    EXPECT_EQ(records.error().code, errc::corrupt_message) << keep;
  }
}

TEST_P(RecordReaderOfCodec, SurvivesAnyFlippedByte) {
  codec_context context;
  const shared_bytes good = java_bytes("v2 " + GetParam());
  for (std::size_t at = batch_layout::header_size; at < good.size(); ++at) {
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      shared_bytes bad = shared_bytes::copy_of(good);
      bad.writable()[at] ^= static_cast<std::byte>(flip);
      const auto records = read_all(batch_view(bad), context);
      if (records) EXPECT_EQ(records->size(), 4U);
    }
  }
  EXPECT_TRUE(read_all(batch_view(good), context)) << "the context must be as good as new after errors";
}

TEST_P(RecordReaderOfCodec, RefusesACountThatTheRecordsDeny) {
  codec_context context;
  for (const std::int32_t count : {0, 3, 5, 2'000'000'000}) {
    shared_bytes bytes = java_bytes("v2 " + GetParam());
    bytes::store_be(bytes.writable().data() + batch_layout::record_count, count);
    const auto records = read_all(batch_view(bytes), context);
    ASSERT_FALSE(records) << count;
    EXPECT_EQ(records.error().code, errc::corrupt_message) << count;
  }
}

INSTANTIATE_TEST_SUITE_P(, RecordReaderOfCodec, ::testing::Values("none", "gzip", "snappy", "lz4", "zstd"),
                         [](const auto& given) { return given.param; });

TEST(RecordReader, AppendTimeReplacesRecordTimestamps) {
  codec_context context;
  const shared_bytes bytes = java_bytes("v2 append time");
  record_view record;
  auto reader = record_reader::open(batch_view(bytes), context);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(reader->next(record).value_or(false));
  EXPECT_EQ(record.timestamp_ms, sample_append_time_ms);
  EXPECT_EQ(record.timestamp_type, timestamp_type::log_append_time);
}

TEST(RecordReader, RecordsWithoutTimestampReadAsMinusOne) {
  codec_context context;
  const shared_bytes bytes = java_bytes("v2 no timestamps");
  const auto records = read_all(batch_view(bytes), context);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 1U);
  EXPECT_EQ(records->front().timestamp_ms, no_timestamp);
}

TEST(RecordReader, YieldsNothingOfABatchThatTheCleanerEmptied) {
  codec_context context;
  const shared_bytes bytes = java_bytes("v2 empty");
  const auto records = read_all(batch_view(bytes), context);
  ASSERT_TRUE(records);
  EXPECT_TRUE(records->empty());
}

/// A batch of magic 2 whose records are these bytes.
shared_bytes batch_of(std::int32_t count, std::initializer_list<int> records) {
  shared_bytes out = shared_bytes::allocate(batch_layout::header_size + records.size());
  const batch_header header{.length = static_cast<std::int32_t>(out.size() - batch_layout::log_overhead),
                            .last_offset_delta = count - 1,
                            .record_count = count};
  header.encode(out.writable().data());
  std::size_t at = batch_layout::header_size;
  for (int b : records) out.writable()[at++] = static_cast<std::byte>(b);
  update_crc(out.writable());
  return out;
}

TEST(RecordReader, RefusesMalformedRecords) {
  struct malformed {
    const char* what;
    std::int32_t count;
    std::initializer_list<int> records;
  };
  // A record: length, attributes, timestamp delta, offset delta, key length, value length, header count.
  for (const malformed& bad : std::initializer_list<malformed>{
           {"a record that isn't there", 1, {}},
           {"more records than there are", 2, {0x0c, 0, 0, 0, 1, 1, 0}},
           {"fewer records than there are", 1, {0x0c, 0, 0, 0, 1, 1, 0, 0x0c, 0, 0, 2, 1, 1, 0}},
           {"a count below zero", -1, {}},
           {"bytes without records", 0, {0x0c}},
           {"a negative length", 1, {0x01, 0, 0, 0, 1, 1, 0}},
           {"a length of nothing", 1, {0x00}},
           {"a length past the end", 1, {0x0e, 0, 0, 0, 1, 1, 0}},
           {"a length of 2 GiB", 1, {0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 1, 1, 0}},
           {"a length of too many bits", 1, {0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0, 1, 1, 0}},
           {"a length that never ends", 1, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
           {"a length with a byte to spare", 1, {0x0e, 0, 0, 0, 1, 1, 0, 0}},
           {"a key past the end", 1, {0x0c, 0, 0, 0, 8, 1, 0}},
           {"a key of 2 GiB", 1, {0x14, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1, 0}},
           {"a value past the end", 1, {0x0c, 0, 0, 0, 1, 8, 0}},
           {"a negative header count", 1, {0x0c, 0, 0, 0, 1, 1, 1}},
           {"more headers than bytes", 1, {0x0c, 0, 0, 0, 1, 1, 2}},
           {"2 billion headers", 1, {0x14, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f}},
           {"a header without a key", 1, {0x10, 0, 0, 0, 1, 1, 2, 1, 1}},
           {"a header's value past the end", 1, {0x10, 0, 0, 0, 1, 1, 2, 0, 8}},
           {"a timestamp that never ends",
            1,
            {0x1c, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
       }) {
    codec_context context;
    const shared_bytes bytes = batch_of(bad.count, bad.records);
    const auto records = read_all(batch_view(bytes), context);
    ASSERT_FALSE(records) << bad.what;
    EXPECT_EQ(records.error().code, errc::corrupt_message) << bad.what;
  }
}

TEST(RecordReader, TakesOffsetsAndTimestampsOfAnySizeWithoutOverflow) {
  codec_context context;
  shared_bytes bytes = batch_of(1, {0x1e, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 2, 1, 1, 0});
  set_base_offset(bytes.writable(), offset(std::numeric_limits<std::int64_t>::max()));
  const auto records = read_all(batch_view(bytes), context);
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(records->front().offset, std::numeric_limits<std::int64_t>::min());
}

/// A batch of `count` records of `size` equal bytes each.
shared_bytes inflated(codec type, int count, std::size_t size, codec_context& context) {
  batch_builder builder;
  builder.begin({.compression = compression::of(type)});
  const std::string value(size, 'a');
  for (int i = 0; i < count; ++i) EXPECT_TRUE(builder.append(1, std::nullopt, as_bytes(value)));
  return builder.finish(context).value_or(shared_bytes{});
}

TEST(RecordReader, StopsABatchThatInflatesAThousandfoldAtTheLimit) {
  for (const codec type : {codec::gzip, codec::zstd, codec::lz4}) {
    codec_context context;
    const shared_bytes bytes = inflated(type, 64, std::size_t{1} << 20U, context);
    EXPECT_LT(bytes.size(), 500'000U) << name(type);
    const auto records = read_all(batch_view(bytes), context, {.batch_bytes_max = std::size_t{1} << 20U});
    ASSERT_FALSE(records) << name(type);
    EXPECT_EQ(records.error().code, errc::message_too_large) << name(type);
  }
}

TEST(RecordReader, ReadsABatchFarLargerThanItsWindow) {
  for (const codec type : {codec::gzip, codec::snappy, codec::lz4, codec::zstd}) {
    codec_context context;
    const shared_bytes bytes = inflated(type, 300, 10'000, context);
    const auto records = read_all(batch_view(bytes), context, {.record_bytes_max = 10'100});
    ASSERT_TRUE(records) << name(type) << records.error().message;
    ASSERT_EQ(records->size(), 300U);
    EXPECT_EQ(records->back().value, std::string(10'000, 'a'));
  }
}

TEST(RecordReader, RefusesARecordLargerThanItsLimitBeforeReadingIt) {
  codec_context context;
  const shared_bytes bytes = inflated(codec::zstd, 1, 10'000, context);
  const auto records = read_all(batch_view(bytes), context, {.record_bytes_max = 9'999});
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().code, errc::message_too_large);
}

TEST(RecordReader, RefusesACodecThatDoesNotExist) {
  codec_context context;
  shared_bytes bytes = java_bytes("v2 none");
  bytes.writable()[batch_layout::attributes + 1] = std::byte{0x07};
  const auto reader = record_reader::open(batch_view(bytes), context);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, errc::unsupported_compression_type);
}

}  // namespace
}  // namespace moldau::wire
