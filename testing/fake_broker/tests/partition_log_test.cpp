#include "testing/fake_broker/partition_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/batch_builder.hpp"

namespace moldau::testing::fake {
namespace {

using ::testing::ElementsAre;

constexpr std::size_t no_limit = 1 << 20;

shared_bytes batch(std::int32_t sequence, std::vector<std::string_view> values, std::int64_t id = 7,
                   std::int16_t epoch = 0) {
  wire::batch_builder builder;
  builder.begin({.producer_id = producer_id(id), .producer_epoch = producer_epoch(epoch), .base_sequence = sequence});
  std::int64_t time = 100;
  for (const auto value : values) EXPECT_TRUE(builder.append(time++, std::nullopt, as_bytes(value)));
  wire::codec_context codecs;
  return builder.finish(codecs).value();
}

std::vector<std::string> values(const partition_log& in) {
  std::vector<std::string> out;
  for (const auto& one : in.records()) out.push_back(one.value.value_or(""));
  return out;
}

TEST(FakePartition, GivesOffsetsInOrder) {
  partition_log log;
  EXPECT_EQ(log.append(batch(0, {"a", "b"}), no_limit).base, offset(0));
  EXPECT_EQ(log.append(batch(2, {"c"}), no_limit).base, offset(2));
  EXPECT_EQ(log.end(), offset(3));
  EXPECT_THAT(values(log), ElementsAre("a", "b", "c"));
}

TEST(FakePartition, AnswersARepeatedBatchAsBefore) {
  partition_log log;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(log.append(batch(i, {"x"}), no_limit).code, errc::none);
  EXPECT_EQ(log.append(batch(0, {"x"}), no_limit).base, offset(0));
  EXPECT_EQ(log.append(batch(4, {"x"}), no_limit).base, offset(4));
  EXPECT_EQ(log.end(), offset(5));
}

TEST(FakePartition, RefusesAGapAndAnOlderEpoch) {
  partition_log log;
  ASSERT_EQ(log.append(batch(0, {"a"}), no_limit).code, errc::none);
  EXPECT_EQ(log.append(batch(2, {"c"}), no_limit).code, errc::out_of_order_sequence_number);
  ASSERT_EQ(log.append(batch(0, {"b"}, 7, 1), no_limit).code, errc::none);
  EXPECT_EQ(log.append(batch(1, {"old"}, 7, 0), no_limit).code, errc::invalid_producer_epoch);
  EXPECT_THAT(values(log), ElementsAre("a", "b"));
}

TEST(FakePartition, RefusesWhatIsNoBatch) {
  partition_log log;
  shared_bytes spoiled = shared_bytes::copy_of(batch(0, {"a"}));
  spoiled.writable()[spoiled.size() - 1] ^= std::byte{1};
  EXPECT_EQ(log.append(spoiled, no_limit).code, errc::corrupt_message);
  EXPECT_EQ(log.append(as_bytes("nothing"), no_limit).code, errc::corrupt_message);
  EXPECT_EQ(log.append(batch(0, {"a"}), 10).code, errc::message_too_large);
  EXPECT_EQ(log.end(), offset(0));
}

TEST(FakePartition, ReadsWholeBatchesFromTheOneThatHoldsTheOffset) {
  partition_log log;
  const std::size_t size = batch(0, {"a", "b"}).size();
  ASSERT_EQ(log.append(batch(0, {"a", "b"}), no_limit).code, errc::none);
  ASSERT_EQ(log.append(batch(2, {"c", "d"}), no_limit).code, errc::none);
  EXPECT_EQ(log.read(offset(1), log.end(), no_limit, true).size(), 2 * size);
  EXPECT_EQ(log.read(offset(2), log.end(), no_limit, true).size(), size);
  EXPECT_EQ(log.read(offset(0), log.end(), 1, true).size(), size);
  EXPECT_EQ(log.read(offset(0), log.end(), 1, false).size(), 0U);
  EXPECT_EQ(log.read(offset(4), log.end(), no_limit, true).size(), 0U);
  EXPECT_EQ(log.read(offset(0), offset(2), no_limit, true).size(), size);
  EXPECT_EQ(log.size_bytes(), static_cast<std::int64_t>(2 * size));
}

TEST(FakePartition, TruncatesWholeBatchesAndTellsEpochs) {
  partition_log log;
  ASSERT_EQ(log.append(batch(0, {"a"}), no_limit).code, errc::none);
  log.next_epoch();
  ASSERT_EQ(log.append(batch(1, {"b"}), no_limit).code, errc::none);
  EXPECT_EQ(log.end_of(leader_epoch(0)), std::pair(leader_epoch(0), offset(1)));
  EXPECT_EQ(log.end_of(leader_epoch(1)), std::pair(leader_epoch(1), offset(2)));
  log.truncate(offset(1));
  log.next_epoch();
  EXPECT_THAT(values(log), ElementsAre("a"));
  // The producer's sequence goes on behind what is left.
  EXPECT_EQ(log.append(batch(1, {"b2"}), no_limit).base, offset(1));
  EXPECT_EQ(log.end_of(leader_epoch(1)), std::pair(leader_epoch(0), offset(1)));
}

TEST(FakePartition, FindsRecordsByTime) {
  partition_log log;
  ASSERT_EQ(log.append(batch(0, {"a", "b", "c"}), no_limit).code, errc::none);
  EXPECT_EQ(log.at_time(101).at, offset(1));
  EXPECT_EQ(log.at_time(103).at, no_offset);
  EXPECT_EQ(log.max_timestamp().at, offset(2));
  log.delete_before(offset(2));
  EXPECT_EQ(log.start(), offset(2));
  EXPECT_THAT(values(log), ElementsAre("c"));
}

fake_record in_transaction(std::int64_t of) {
  return {.value = "v", .producer_id = producer_id(of), .producer_epoch = producer_epoch(0), .is_transactional = true};
}

TEST(FakePartition, AnOpenTransactionHoldsTheStableEndUntilItsMarker) {
  partition_log log;
  ASSERT_TRUE(log.append({.value = "plain"}, 1));
  ASSERT_EQ(log.append(in_transaction(1), 1).value(), offset(1));
  ASSERT_EQ(log.append(in_transaction(2), 1).value(), offset(2));
  EXPECT_EQ(log.last_stable(), offset(1));
  ASSERT_TRUE(log.end_transaction(producer_id(1), false, 1));
  EXPECT_EQ(log.last_stable(), offset(2));
  ASSERT_TRUE(log.end_transaction(producer_id(2), true, 1));
  EXPECT_EQ(log.last_stable(), log.end());
  EXPECT_EQ(log.end(), offset(5));
  EXPECT_EQ(log.records().size(), 3U) << "markers are no records";
  ASSERT_EQ(log.aborted(offset(0), log.end()).size(), 1U);
  EXPECT_EQ(log.aborted(offset(0), log.end())[0].first, offset(1));
  EXPECT_EQ(log.aborted(offset(0), log.end())[0].of, producer_id(1));
  EXPECT_TRUE(log.aborted(offset(4), log.end()).empty());
  EXPECT_TRUE(log.aborted(offset(0), offset(1)).empty());
  EXPECT_EQ(log.end_transaction(producer_id(1), true, 1).error().code, errc::invalid_txn_state);
  EXPECT_EQ(log.append({.is_transactional = true}, 1).error().code, errc::invalid_argument);
}

TEST(FakePartition, ATransactionWhoseMarkerIsCutOffIsOpenAgain) {
  partition_log log;
  ASSERT_TRUE(log.append(in_transaction(1), 1));
  ASSERT_TRUE(log.end_transaction(producer_id(1), false, 1));
  log.truncate(offset(1));
  EXPECT_EQ(log.last_stable(), offset(0));
  EXPECT_TRUE(log.aborted(offset(0), log.end()).empty());
  log.truncate(offset(0));
  EXPECT_EQ(log.last_stable(), offset(0));
  EXPECT_FALSE(log.end_transaction(producer_id(1), true, 1));
}

}  // namespace
}  // namespace moldau::testing::fake
