#include "client/consumer_partition.hpp"

#include <gtest/gtest.h>

namespace moldau::client {
namespace {

using phase = consumed_partition::phase;
using verdict = consumed_partition::verdict;

constexpr log_position at(std::int64_t place, std::int32_t epoch) {
  return {offset(place), leader_epoch(epoch)};
}

struct ConsumedPartition : ::testing::Test {
  consumed_partition state{topic_partition{"t", partition_id(0)}};
};

TEST_F(ConsumedPartition, IsValidatedWhereTheCommitSaysAnEpoch) {
  state.start(1);
  state.resolved(at(10, 3));
  EXPECT_EQ(state.current(), phase::validating);
  EXPECT_EQ(state.validated(at(12, 3), leader_epoch(4), 2), verdict::fine);
  EXPECT_EQ(state.current(), phase::ready);
  EXPECT_EQ(state.position(), at(10, 3));
}

TEST_F(ConsumedPartition, IsReadyAtOnceWithoutAnEpoch) {
  state.resolved(at(10, -1));
  EXPECT_EQ(state.current(), phase::ready);
}

TEST_F(ConsumedPartition, IsValidatedAnewWithEachNewLeader) {
  state.reset_done(at(0, 3));
  state.saw_leader(leader_epoch(3));
  EXPECT_EQ(state.current(), phase::ready) << "the first leader is no news";
  state.saw_leader(leader_epoch(3));
  EXPECT_EQ(state.current(), phase::ready);
  state.saw_leader(leader_epoch(4));
  EXPECT_EQ(state.current(), phase::validating);
}

TEST_F(ConsumedPartition, GivesUpWhatWasFetchedAheadBeforeItSpeaksOfTruncation) {
  state.reset_done(at(10, 3));
  state.saw_leader(leader_epoch(3));
  state.fetched(at(20, 3));
  state.saw_leader(leader_epoch(4));
  EXPECT_EQ(state.validated(at(15, 3), leader_epoch(4), 9), verdict::again);
  EXPECT_EQ(state.fetch_position(), at(10, 3));
  EXPECT_EQ(state.round(), 9U);
  EXPECT_EQ(state.current(), phase::validating);
  EXPECT_EQ(state.validated(at(15, 3), leader_epoch(4), 10), verdict::fine);
}

TEST_F(ConsumedPartition, TellsThatPolledRecordsAreGone) {
  state.reset_done(at(10, 3));
  state.saw_leader(leader_epoch(3));
  state.saw_leader(leader_epoch(4));
  EXPECT_EQ(state.validated(at(7, 2), leader_epoch(4), 9), verdict::truncated);
}

TEST_F(ConsumedPartition, KeepsItsPauseOverASeek) {
  state.paused = true;
  state.preferred = broker_id(3);
  state.seek(at(5, -1), 2);
  EXPECT_TRUE(state.paused);
  EXPECT_EQ(state.preferred, no_broker);
  EXPECT_EQ(state.round(), 2U);
}

}  // namespace
}  // namespace moldau::client
