#include <gtest/gtest.h>

#include <string>

#include "broker/tests/broker_fixture.hpp"
#include "wire/protocol/delete_records_request.hpp"
#include "wire/protocol/delete_records_response.hpp"
#include "wire/protocol/list_offsets_request.hpp"
#include "wire/protocol/list_offsets_response.hpp"
#include "wire/protocol/offset_for_leader_epoch_request.hpp"
#include "wire/protocol/offset_for_leader_epoch_response.hpp"

namespace moldau::broker {
namespace {

using testing::broker_fixture;
namespace protocol = wire::protocol;

class OffsetsTest : public broker_fixture {
 protected:
  /// Five records with timestamps 100, 300, 500, 400, 200, a batch each.
  void start_with_records() {
    start();
    ASSERT_EQ(create_topic("orders"), errc::none);
    for (const std::int64_t at : {100, 300, 500, 400, 200}) {
      const shared_bytes batch = testing::batch_of({"v"}, at);
      ASSERT_EQ(produce(produce_request("orders", batch)).error, errc::none);
    }
  }
  protocol::list_offsets_response::list_offsets_partition_response list(std::int64_t timestamp,
                                                                        std::int16_t version = 11,
                                                                        std::string_view topic = "orders",
                                                                        leader_epoch epoch = no_leader_epoch) {
    protocol::list_offsets_request request;
    request.replica_id = broker_id(-1);
    auto& to = request.topics.emplace_back();
    to.name = topic;
    auto& partition = to.partitions.emplace_back();
    partition.timestamp = timestamp;
    partition.current_leader_epoch = epoch;
    return ask<protocol::list_offsets_response>(request, version).message.topics.front().partitions.front();
  }
  protocol::delete_records_response::delete_records_partition_result delete_before(std::int64_t before,
                                                                                   std::string_view topic = "orders") {
    protocol::delete_records_request request;
    auto& to = request.topics.emplace_back();
    to.name = topic;
    auto& partition = to.partitions.emplace_back();
    partition.offset = offset(before);
    return ask<protocol::delete_records_response>(request, 2).message.topics.front().partitions.front();
  }
  protocol::offset_for_leader_epoch_response::epoch_end_offset end_of(std::int32_t epoch, std::int32_t current = -1) {
    protocol::offset_for_leader_epoch_request request;
    auto& to = request.topics.emplace_back();
    to.topic = "orders";
    auto& partition = to.partitions.emplace_back();
    partition.leader_epoch = leader_epoch(epoch);
    partition.current_leader_epoch = leader_epoch(current);
    return ask<protocol::offset_for_leader_epoch_response>(request, 4).message.topics.front().partitions.front();
  }
};

TEST_F(OffsetsTest, ListsTheLatest) {
  start_with_records();
  const auto latest = list(-1);
  EXPECT_EQ(latest.offset, offset(5));
  EXPECT_EQ(latest.timestamp, -1);
  EXPECT_EQ(latest.leader_epoch, leader_epoch(0));
}

TEST_F(OffsetsTest, ListsTheEarliest) {
  start_with_records();
  EXPECT_EQ(list(-2).offset, offset(0));
  EXPECT_EQ(list(-4).offset, offset(0)) << "nothing is tiered";
}

TEST_F(OffsetsTest, ListsTheLargestTimestamp) {
  start_with_records();
  const auto largest = list(-3);
  EXPECT_EQ(largest.offset, offset(2));
  EXPECT_EQ(largest.timestamp, 500);
}

TEST_F(OffsetsTest, ListsTheFirstRecordNotBeforeATime) {
  start_with_records();
  const auto hit = list(250);
  EXPECT_EQ(hit.offset, offset(1));
  EXPECT_EQ(hit.timestamp, 300);
}

TEST_F(OffsetsTest, ListsNothingAfterTheLargestTimestamp) {
  start_with_records();
  const auto miss = list(501);
  EXPECT_EQ(miss.error_code, errc::none);
  EXPECT_EQ(miss.offset, no_offset);
  EXPECT_EQ(miss.timestamp, -1);
}

TEST_F(OffsetsTest, ListsNothingThatIsTiered) {
  start_with_records();
  for (const std::int64_t at : {-5, -6}) {
    const auto tiered = list(at);
    EXPECT_EQ(tiered.error_code, errc::none) << at;
    EXPECT_EQ(tiered.offset, no_offset) << at;
  }
}

TEST_F(OffsetsTest, DoesNotKnowSpecialTimestampsBeforeTheirVersions) {
  start_with_records();
  EXPECT_EQ(list(-3, 6).error_code, errc::unsupported_version);
  EXPECT_EQ(list(-4, 7).error_code, errc::unsupported_version);
  EXPECT_EQ(list(-7, 11).error_code, errc::unsupported_version);
}

TEST_F(OffsetsTest, ListsTheStartOfAnEmptyPartition) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  EXPECT_EQ(list(-1).offset, offset(0));
  EXPECT_EQ(list(-2).offset, offset(0));
  EXPECT_EQ(list(-3).offset, no_offset);
}

TEST_F(OffsetsTest, ListsNoUnknownTopic) {
  start_with_records();
  EXPECT_EQ(list(-1, 11, "nothing").error_code, errc::unknown_topic_or_partition);
}

TEST_F(OffsetsTest, ChecksTheEpochThatAClientKnows) {
  start_with_records();
  EXPECT_EQ(list(-1, 11, "orders", leader_epoch(0)).error_code, errc::none);
  EXPECT_EQ(list(-1, 11, "orders", leader_epoch(9)).error_code, errc::unknown_leader_epoch);
}

TEST_F(OffsetsTest, DeletesRecordsUpToAnOffset) {
  start_with_records();
  const auto done = delete_before(3);
  EXPECT_EQ(done.error_code, errc::none);
  EXPECT_EQ(done.low_watermark, offset(3));
  EXPECT_EQ(list(-2).offset, offset(3));
  EXPECT_EQ(list(250).offset, offset(3)) << "what is deleted isn't found by its time";
}

TEST_F(OffsetsTest, DeletesAllRecords) {
  start_with_records();
  EXPECT_EQ(delete_before(-1).low_watermark, offset(5));
  EXPECT_EQ(list(-2).offset, offset(5));
}

TEST_F(OffsetsTest, KeepsTheStartWhereItIsWhenLessIsDeleted) {
  start_with_records();
  ASSERT_EQ(delete_before(3).error_code, errc::none);
  EXPECT_EQ(delete_before(1).low_watermark, offset(3));
}

TEST_F(OffsetsTest, DeletesNothingAboveTheHighWatermark) {
  start_with_records();
  const auto refused = delete_before(6);
  EXPECT_EQ(refused.error_code, errc::offset_out_of_range);
  EXPECT_EQ(refused.low_watermark, no_offset);
}

TEST_F(OffsetsTest, DeletesNothingOfACompactedTopic) {
  start();
  ASSERT_EQ(create_topic("table", 1, {{"cleanup.policy", "compact"}}), errc::none);
  EXPECT_EQ(delete_before(0, "table").error_code, errc::policy_violation);
}

TEST_F(OffsetsTest, DeletesNothingOfAnUnknownTopic) {
  start();
  EXPECT_EQ(delete_before(0, "nothing").error_code, errc::unknown_topic_or_partition);
}

TEST_F(OffsetsTest, TellsWhereAnEpochEnds) {
  start_with_records();
  const auto end = end_of(0);
  EXPECT_EQ(end.error_code, errc::none);
  EXPECT_EQ(end.leader_epoch, leader_epoch(0));
  EXPECT_EQ(end.end_offset, offset(5));
}

TEST_F(OffsetsTest, KnowsNoEndOfAnEpochToCome) {
  start_with_records();
  const auto end = end_of(7);
  EXPECT_EQ(end.error_code, errc::none);
  EXPECT_EQ(end.leader_epoch, no_leader_epoch);
  EXPECT_EQ(end.end_offset, no_offset);
}

TEST_F(OffsetsTest, TellsEndsOnlyToThoseWhoKnowTheLeader) {
  start_with_records();
  EXPECT_EQ(end_of(0, 3).error_code, errc::unknown_leader_epoch);
}

}  // namespace
}  // namespace moldau::broker
