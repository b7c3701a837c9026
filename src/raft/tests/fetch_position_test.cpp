#include "raft/fetch_position.hpp"

#include <gtest/gtest.h>

namespace moldau::raft {
namespace {

constexpr snapshot_id old_snapshot{.end_offset = offset(100), .epoch = leader_epoch(3)};
constexpr snapshot_id new_snapshot{.end_offset = offset(200), .epoch = leader_epoch(5)};

/// Epoch 5 from 150 on, its end being the log's; below, epoch 3 from where the log starts.
fetched_log log_from(offset start, std::optional<log_end> last_fetched) {
  fetched_log out{.start = start,
                  .last_fetched = last_fetched,
                  .end = {.end = offset(300), .epoch = leader_epoch(5)},
                  .oldest_snapshot = {},
                  .newest_snapshot = {}};
  if (start > offset(0)) {
    out.oldest_snapshot = old_snapshot;
    out.newest_snapshot = new_snapshot;
  }
  return out;
}

const log_end end_of_epoch_3{.end = offset(150), .epoch = leader_epoch(3)};
const log_end end_of_epoch_5{.end = offset(300), .epoch = leader_epoch(5)};

fetch_position at(std::int64_t where, std::int32_t epoch) {
  return {.offset = offset(where), .last_fetched_epoch = leader_epoch(epoch)};
}

TEST(FetchPosition, ReadsOnWhereTheLogsAgree) {
  EXPECT_TRUE(direct(at(0, 0), log_from(offset(0), std::nullopt)).reads());
  EXPECT_TRUE(direct(at(120, 3), log_from(offset(0), end_of_epoch_3)).reads());
  EXPECT_TRUE(direct(at(150, 3), log_from(offset(0), end_of_epoch_3)).reads());
  EXPECT_TRUE(direct(at(300, 5), log_from(offset(100), end_of_epoch_5)).reads());
  EXPECT_TRUE(direct(at(100, 3), log_from(offset(100), end_of_epoch_3)).reads()) << "right after the snapshot";
}

TEST(FetchPosition, TruncatesWhatTheLeaderNeverHad) {
  EXPECT_EQ(direct(at(160, 3), log_from(offset(0), end_of_epoch_3)).diverging->end, offset(150));
  EXPECT_EQ(direct(at(301, 5), log_from(offset(100), end_of_epoch_5)).diverging->end, offset(300));
  // Epoch 4 is none of the leader's.
  const auto other = direct(at(170, 4), log_from(offset(0), end_of_epoch_3)).diverging;
  ASSERT_TRUE(other);
  EXPECT_EQ(other->epoch, leader_epoch(3));
  EXPECT_EQ(other->end, offset(150));
}

TEST(FetchPosition, GoesBackToTheLogsEndFromAnEpochThatNobodyKnows) {
  const auto end = direct(at(400, 9), log_from(offset(0), std::nullopt)).diverging;
  ASSERT_TRUE(end);
  EXPECT_EQ(end->epoch, leader_epoch(5));
  EXPECT_EQ(end->end, offset(300));
}

TEST(FetchPosition, TakesTheNewestSnapshotForWhatTheLogHasNoLonger) {
  const log_end start_of_log{.end = offset(100), .epoch = leader_epoch(2)};
  for (const fetch_position& from : {at(0, 0), at(50, 3), at(100, 2), at(120, 2)}) {
    const auto taken = direct(from, log_from(offset(100), start_of_log));
    EXPECT_EQ(taken.snapshot, new_snapshot) << from.offset.value();
    EXPECT_FALSE(taken.diverging);
  }
}

TEST(FetchPosition, TakesASnapshotRatherThanTheWholeLog) {
  fetched_log whole = log_from(offset(0), std::nullopt);
  whole.oldest_snapshot = whole.newest_snapshot = bootstrap_snapshot_id;
  EXPECT_TRUE(direct(at(0, 0), whole).reads()) << "the bootstrap snapshot is in the log";
  whole.newest_snapshot = new_snapshot;
  EXPECT_EQ(direct(at(0, 0), whole).snapshot, new_snapshot);
}

}  // namespace
}  // namespace moldau::raft
