#include "wire/batch_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "wire/tests/batch_samples.hpp"

namespace moldau::wire {
namespace {

using testing::java_bytes;
using testing::owned_record;
using testing::read_all;
using testing::sample_append_time_ms;
using testing::sample_records;
using testing::sample_time_ms;

/// The options that the samples were made with.
batch_options sample_options() {
  return {.base_offset = offset(70),
          .leader_epoch = leader_epoch(5),
          .producer_id = producer_id(9),
          .producer_epoch = producer_epoch(3),
          .base_sequence = 11};
}

void append(batch_builder& builder, const owned_record& record) {
  const auto view = [](const std::optional<std::string>& text) {
    return text ? std::optional(as_bytes(*text)) : std::nullopt;
  };
  std::vector<header_view> headers;
  for (const auto& [key, value] : record.headers) headers.push_back({key, view(value)});
  ASSERT_TRUE(
      builder.append_at(offset(record.offset), record.timestamp_ms, view(record.key), view(record.value), headers));
}

shared_bytes build(const batch_options& options) {
  codec_context context;
  batch_builder builder;
  builder.begin(options);
  for (const owned_record& record : sample_records()) append(builder, record);
  auto out = builder.finish(context);
  EXPECT_TRUE(out);
  return out.value_or(shared_bytes{});
}

void expect_same(const shared_bytes& ours, std::string_view sample) {
  const shared_bytes kafkas = java_bytes(sample);
  ASSERT_EQ(ours.size(), kafkas.size()) << sample;
  EXPECT_EQ(as_text(ours), as_text(kafkas)) << sample;
}

TEST(BatchBuilder, WritesKafkasBytes) {
  expect_same(build(sample_options()), "v2 none");
}

TEST(BatchBuilder, WritesKafkasBytesForTransactions) {
  batch_options options = sample_options();
  options.is_transactional = true;
  expect_same(build(options), "v2 transactional");
}

TEST(BatchBuilder, WritesKafkasBytesForAppendTime) {
  expect_same(build({.base_offset = offset(70),
                     .timestamp_type = timestamp_type::log_append_time,
                     .log_append_time_ms = sample_append_time_ms}),
              "v2 append time");
}

TEST(BatchBuilder, WritesKafkasBytesWithoutTimestamps) {
  codec_context context;
  batch_builder builder;
  builder.begin({});
  ASSERT_TRUE(builder.append(no_timestamp, as_bytes("k"), as_bytes("v")));
  expect_same(builder.finish(context).value_or(shared_bytes{}), "v2 no timestamps");
}

TEST(BatchBuilder, WritesKafkasBytesForABatchThatLostItsRecords) {
  const shared_bytes full = java_bytes("v2 none");
  batch_header header = batch_view(full).header();
  header.max_timestamp_ms = sample_time_ms;
  expect_same(empty_batch(header), "v2 empty");
}

TEST(BatchBuilder, ReadsBackWithEveryCodec) {
  codec_context context;
  for (const codec type : {codec::gzip, codec::snappy, codec::lz4, codec::zstd}) {
    batch_options options = sample_options();
    options.compression = compression::of(type);
    const shared_bytes bytes = build(options);
    const batch_view batch(bytes);
    EXPECT_TRUE(batch.is_crc_ok());
    EXPECT_EQ(batch.compression(), type);
    EXPECT_EQ(batch.record_count(), 4);
    EXPECT_LT(bytes.size(), java_bytes("v2 none").size());
    const auto records = read_all(batch, context);
    ASSERT_TRUE(records) << name(type);
    EXPECT_EQ(*records, sample_records()) << name(type);
  }
}

TEST(BatchBuilder, LeavesGapsForTheCleaner) {
  codec_context context;
  batch_builder builder;
  builder.begin({.base_offset = offset(100), .delete_horizon_ms = 500});
  ASSERT_TRUE(builder.append_at(offset(103), 700, as_bytes("a"), std::nullopt));
  ASSERT_TRUE(builder.append_at(offset(107), 600, as_bytes("b"), std::nullopt));
  EXPECT_EQ(builder.append_at(offset(107), 600, as_bytes("b"), std::nullopt).error().code, errc::invalid_argument);
  EXPECT_EQ(builder.append_at(offset(100 + (std::int64_t{1} << 31U)), 600, as_bytes("b"), std::nullopt).error().code,
            errc::invalid_argument);
  builder.set_last_offset(offset(109));
  const shared_bytes bytes = builder.finish(context).value_or(shared_bytes{});
  const batch_view batch(bytes);
  EXPECT_EQ(batch.base_offset(), offset(100));
  EXPECT_EQ(batch.last_offset(), offset(109));
  EXPECT_EQ(batch.record_count(), 2);
  EXPECT_EQ(batch.delete_horizon_ms(), 500);
  EXPECT_EQ(batch.max_timestamp_ms(), 700);
  const auto records = read_all(batch, context);
  ASSERT_TRUE(records);
  EXPECT_EQ((*records)[0], (owned_record{103, 700, "a", std::nullopt, {}}));
  EXPECT_EQ((*records)[1], (owned_record{107, 600, "b", std::nullopt, {}}));
}

TEST(BatchBuilder, ProducerMayBeSetWhenTheBatchIsFull) {
  codec_context context;
  batch_builder builder;
  batch_options options = sample_options();
  options.producer_id = no_producer_id;
  options.producer_epoch = no_producer_epoch;
  options.base_sequence = no_sequence;
  builder.begin(options);
  for (const owned_record& record : sample_records()) append(builder, record);
  builder.set_producer(producer_id(9), producer_epoch(3), 11);
  expect_same(builder.finish(context).value_or(shared_bytes{}), "v2 none");
}

TEST(BatchBuilder, NeverEstimatesARecordTooSmall) {
  batch_builder builder;
  builder.begin({});
  const std::vector<header_view> headers{{"h", as_bytes("value")}, {"n", std::nullopt}};
  for (int i = 0; i < 200; ++i) {
    const std::string value(static_cast<std::size_t>(i) * 13, 'v');
    const std::size_t before = builder.uncompressed_bytes();
    ASSERT_TRUE(builder.append(i * 1'000'000'000LL, as_bytes("k"), as_bytes(value), headers));
    EXPECT_LE(builder.uncompressed_bytes() - before,
              batch_builder::record_bytes_max(as_bytes("k"), as_bytes(value), headers));
  }
}

TEST(BatchBuilder, BytesHandedOutStayAsTheyAreWhileTheNextBatchIsBuilt) {
  codec_context context;
  batch_builder builder(1024);
  builder.begin({});
  const std::string first(900, '1');
  ASSERT_TRUE(builder.append(0, std::nullopt, as_bytes(first)));
  const shared_bytes one = builder.finish(context).value_or(shared_bytes{});
  const std::string before(as_text(one));
  const std::string second(900, '2');
  ASSERT_TRUE(builder.append(0, std::nullopt, as_bytes(second)));
  const shared_bytes two = builder.finish(context).value_or(shared_bytes{});
  EXPECT_EQ(as_text(one), before);
  EXPECT_NE(as_text(two), before);
}

TEST(BatchBuilder, UsesItsBlockAgainOnceTheBatchHasBeenLetGo) {
  codec_context context;
  batch_builder builder(1024);
  builder.begin({});
  const std::string value(900, '1');
  const std::byte* block = nullptr;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(builder.append(0, std::nullopt, as_bytes(value)));
    const shared_bytes batch = builder.finish(context).value_or(shared_bytes{});
    if (block != nullptr) EXPECT_EQ(batch.data(), block);
    block = batch.data();
  }
}

TEST(BatchBuilder, ASmallBatchDoesNotKeepALargeBlockAlive) {
  codec_context context;
  batch_builder builder(1024 * 1024);
  builder.begin({});
  ASSERT_TRUE(builder.append(0, std::nullopt, as_bytes("v")));
  const shared_bytes batch = builder.finish(context).value_or(shared_bytes{});
  EXPECT_EQ(batch.use_count(), 1U);
}

TEST(BatchBuilder, GrowsPastItsCapacity) {
  codec_context context;
  batch_builder builder(100);
  builder.begin({});
  const std::string value(1'000, 'v');
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(builder.append(i, std::nullopt, as_bytes(value)));
  const shared_bytes bytes = builder.finish(context).value_or(shared_bytes{});
  const auto records = read_all(batch_view(bytes), context);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 100U);
  EXPECT_EQ(records->back(), (owned_record{99, 99, std::nullopt, value, {}}));
}

TEST(BatchBuilder, RefusesARecordPastTwoGigabytes) {
  batch_builder builder;
  builder.begin({});
  // Never read: only its length is looked at.
  const std::byte one{};
  const bytes_view huge(&one, std::size_t{1} << 31U);
  EXPECT_EQ(builder.append(0, huge, std::nullopt).error().code, errc::message_too_large);
  EXPECT_EQ(builder.append(0, std::nullopt, bytes_view(&one, std::numeric_limits<std::int32_t>::max())).error().code,
            errc::message_too_large);
  EXPECT_TRUE(builder.empty());
}

}  // namespace
}  // namespace moldau::wire
