#include "wire/record_batch.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <vector>

#include "bytes/endian.hpp"
#include "wire/tests/batch_samples.hpp"

namespace moldau::wire {
namespace {

using testing::java_bytes;
using testing::sample_append_time_ms;
using testing::sample_time_ms;

TEST(RecordBatch, ReadsEveryFieldOfAHeaderThatKafkaWrote) {
  const shared_bytes bytes = java_bytes("v2 none");
  const auto batch = first_batch(bytes);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->base_offset(), offset(70));
  EXPECT_EQ(batch->last_offset(), offset(73));
  EXPECT_EQ(batch->next_offset(), offset(74));
  EXPECT_EQ(batch->size_bytes(), bytes.size());
  EXPECT_EQ(batch->leader_epoch(), leader_epoch(5));
  EXPECT_EQ(batch->magic(), magic_v2);
  EXPECT_EQ(batch->compression(), codec::none);
  EXPECT_EQ(batch->timestamp_type(), timestamp_type::create_time);
  EXPECT_FALSE(batch->is_transactional());
  EXPECT_FALSE(batch->is_control());
  EXPECT_EQ(batch->base_timestamp_ms(), sample_time_ms);
  EXPECT_EQ(batch->max_timestamp_ms(), sample_time_ms + 5);
  EXPECT_EQ(batch->producer_id(), producer_id(9));
  EXPECT_EQ(batch->producer_epoch(), producer_epoch(3));
  EXPECT_EQ(batch->base_sequence(), 11);
  EXPECT_EQ(batch->last_sequence(), 14);
  EXPECT_EQ(batch->record_count(), 4);
  EXPECT_EQ(batch->delete_horizon_ms(), std::nullopt);
}

TEST(RecordBatch, FindsTheChecksumOfEverySampleRight) {
  for (const testing::java_batch& sample : testing::java_batches) {
    const shared_bytes bytes = java_bytes(sample.name);
    batch_iterator batches(bytes);
    int count = 0;
    for (auto batch = batches.next(); batch && *batch; batch = batches.next(), ++count)
      EXPECT_TRUE((*batch)->is_crc_ok()) << sample.name;
    EXPECT_GT(count, 0) << sample.name;
    EXPECT_TRUE(batches.rest().empty()) << sample.name;
  }
}

TEST(RecordBatch, NoticesEveryFlippedBitBehindTheChecksum) {
  const shared_bytes good = java_bytes("v2 none");
  for (std::size_t at = batch_layout::crc; at < good.size(); ++at) {
    shared_bytes bad = shared_bytes::copy_of(good);
    bad.writable()[at] ^= std::byte{0x10};
    EXPECT_FALSE(batch_view(bad).is_crc_ok()) << at;
  }
}

TEST(RecordBatch, DecodedHeaderEncodesToTheSameBytes) {
  const shared_bytes bytes = java_bytes("v2 transactional");
  const auto header = batch_header::decode(bytes.view().first(batch_layout::header_size));
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->attributes.is_transactional());
  EXPECT_EQ(header->size_bytes(), bytes.size());
  std::vector<std::byte> again(batch_layout::header_size);
  header->encode(again.data());
  EXPECT_EQ(std::memcmp(again.data(), bytes.data(), again.size()), 0);
}

TEST(RecordBatch, ReadsMessagesOfOldFormatsAsBatches) {
  const shared_bytes v1 = java_bytes("v1 append time none");
  const auto batch = first_batch(v1);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->is_legacy());
  EXPECT_EQ(batch->base_offset(), offset(70));
  EXPECT_EQ(batch->max_timestamp_ms(), sample_append_time_ms);
  EXPECT_EQ(batch->timestamp_type(), timestamp_type::log_append_time);
  EXPECT_EQ(batch->leader_epoch(), no_leader_epoch);
  EXPECT_FALSE(batch->has_producer_id());
  const shared_bytes v0 = java_bytes("v0 gzip");
  EXPECT_EQ(batch_view(v0).timestamp_type(), timestamp_type::none);
  EXPECT_EQ(batch_view(v0).max_timestamp_ms(), no_timestamp);
  EXPECT_EQ(batch_view(v0).compression(), codec::gzip);
}

TEST(RecordBatch, RefusesBadFrames) {
  struct bad_frame {
    const char* what;
    std::size_t keep;
    std::int32_t length;
    std::int8_t magic;
  };
  const shared_bytes good = java_bytes("v2 none");
  const auto whole = static_cast<std::int32_t>(good.size() - batch_layout::log_overhead);
  for (const bad_frame& bad : std::initializer_list<bad_frame>{
           {"nothing", 0, whole, 2},
           {"only a prefix of the prefix", 16, whole, 2},
           {"cut short by a byte", good.size() - 1, whole, 2},
           {"a length past the end", good.size(), whole + 1, 2},
           {"the largest length", good.size(), std::numeric_limits<std::int32_t>::max(), 2},
           {"a negative length", good.size(), -1, 2},
           {"the smallest length", good.size(), std::numeric_limits<std::int32_t>::min(), 2},
           {"a length without room for the header", good.size(), 48, 2},
           {"magic 0 without room for its header", good.size(), 13, 0},
           {"magic 1 without room for its header", good.size(), 21, 1},
           {"magic 3", good.size(), whole, 3},
           {"magic -1", good.size(), whole, -1},
       }) {
    shared_bytes bytes = shared_bytes::copy_of(good);
    bytes::store_be(bytes.writable().data() + batch_layout::length, bad.length);
    bytes::store_be(bytes.writable().data() + batch_layout::magic, bad.magic);
    const auto batch = first_batch(bytes.view().first(bad.keep));
    ASSERT_FALSE(batch) << bad.what;
    EXPECT_EQ(batch.error().code, errc::corrupt_message) << bad.what;
  }
}

TEST(RecordBatch, IterationStopsBeforeABatchThatIsCutShort) {
  const shared_bytes one = java_bytes("v2 none");
  std::vector<std::byte> two(one.data(), one.data() + one.size());
  two.insert(two.end(), one.data(), one.data() + 100);
  batch_iterator batches(two);
  auto batch = batches.next();
  ASSERT_TRUE(batch);
  ASSERT_TRUE(*batch);
  EXPECT_EQ((*batch)->size_bytes(), one.size());
  batch = batches.next();
  ASSERT_TRUE(batch);
  EXPECT_FALSE(*batch);
  EXPECT_EQ(batches.rest().size(), 100U);
}

TEST(RecordBatch, OffsetAndEpochAreSetWithoutTouchingTheChecksum) {
  shared_bytes bytes = java_bytes("v2 lz4");
  set_base_offset(bytes.writable(), offset(1'000'000));
  set_leader_epoch(bytes.writable(), leader_epoch(77));
  const batch_view batch(bytes);
  EXPECT_EQ(batch.last_offset(), offset(1'000'003));
  EXPECT_EQ(batch.leader_epoch(), leader_epoch(77));
  EXPECT_TRUE(batch.is_crc_ok());
}

TEST(RecordBatch, AppendTimeTurnsEveryRecordsTimestamp) {
  shared_bytes bytes = java_bytes("v2 gzip");
  set_max_timestamp(bytes.writable(), timestamp_type::log_append_time, sample_append_time_ms);
  const batch_view batch(bytes);
  EXPECT_TRUE(batch.is_crc_ok());
  EXPECT_EQ(batch.compression(), codec::gzip);
  codec_context context;
  const auto records = testing::read_all(batch, context);
  ASSERT_TRUE(records);
  for (const testing::owned_record& record : *records) EXPECT_EQ(record.timestamp_ms, sample_append_time_ms);
}

TEST(RecordBatch, ProducerIsSetJustBeforeSending) {
  shared_bytes bytes = java_bytes("v2 none");
  set_producer(bytes.writable(), producer_id(1234), producer_epoch(2), 99, true);
  const batch_view batch(bytes);
  EXPECT_TRUE(batch.is_crc_ok());
  EXPECT_TRUE(batch.is_transactional());
  EXPECT_EQ(batch.producer_id(), producer_id(1234));
  EXPECT_EQ(batch.last_sequence(), 102);
}

TEST(RecordBatch, SequencesWrapToZero) {
  EXPECT_EQ(advance_sequence(std::numeric_limits<std::int32_t>::max(), 1), 0);
  EXPECT_EQ(advance_sequence(std::numeric_limits<std::int32_t>::max() - 1, 3), 1);
  EXPECT_EQ(advance_sequence(5, 4), 9);
}

}  // namespace
}  // namespace moldau::wire
