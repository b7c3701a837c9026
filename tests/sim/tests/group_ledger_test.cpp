#include "tests/sim/group_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moldau::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class group_checked : public ::testing::Test {
 protected:
  void commit(std::int64_t at) {
    group.commit_begins(of, offset(at));
    group.commit_done(of, offset(at));
  }
  void told(std::optional<std::int64_t> at) {
    group.told_committed(of, group.certain(of), at ? std::optional(offset(*at)) : std::nullopt);
  }
  void deliver(const std::string& member, std::int64_t first, std::int64_t next) {
    group.delivered(member, of, offset(first), offset(next));
  }

  const topic_partition of{"t", partition_id(0)};
  verdict found;
  group_ledger group{found};
};

TEST_F(group_checked, HandingOverIsFine) {
  group.assigned("a", {of});
  group.owned_in("a", 1, {of});
  deliver("a", 0, 3);
  commit(3);
  told(3);
  group.revoked("a", {of});
  group.assigned("b", {of});
  group.owned_in("b", 2, {of});
  deliver("b", 3, 5);
  EXPECT_TRUE(found.passed()) << found.first().front();
  EXPECT_EQ(group.delivered_to(of), offset(5));
  EXPECT_EQ(group.commits(), 1U);
}

TEST_F(group_checked, ReadingAgainAfterADeathIsFine) {
  group.assigned("a", {of});
  deliver("a", 0, 3);
  group.died("a");
  group.assigned("b", {of});
  deliver("b", 0, 3);
  EXPECT_TRUE(found.passed());
  EXPECT_EQ(group.delivered_to(of), offset(3));
}

TEST_F(group_checked, ReportsACommittedOffsetThatGoesBack) {
  commit(3);
  commit(7);
  told(3);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("the group's offset is 3, where 7 was committed")));
}

TEST_F(group_checked, ReportsACommittedOffsetThatNobodyCommitted) {
  commit(3);
  told(5);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("the group's offset is 5, where 3 was committed")));
}

TEST_F(group_checked, ReportsALostOffset) {
  commit(3);
  told(std::nullopt);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("the group has lost its offset, which was 3")));
}

TEST_F(group_checked, ACommitWithoutAnAnswerMayComeToPassLate) {
  group.commit_begins(of, offset(3));
  commit(7);
  told(3);
  told(7);
  EXPECT_TRUE(found.passed());
}

TEST_F(group_checked, AnOlderQuestionMayBringAnOlderOffset) {
  commit(3);
  const offset asked_at = group.certain(of);
  commit(7);
  group.told_committed(of, asked_at, offset(3));
  EXPECT_TRUE(found.passed());
}

TEST_F(group_checked, ReportsTwoOwnersInAGeneration) {
  group.assigned("a", {of});
  group.owned_in("a", 4, {of});
  group.assigned("b", {of});
  group.owned_in("b", 4, {of});
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("t-0 has two owners in generation 4: a and b")));
}

TEST_F(group_checked, ReportsRecordsOfAnothersPartition) {
  group.assigned("a", {of});
  group.revoked("a", {of});
  deliver("a", 0, 1);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("a is given records of t-0, which isn't its own")));
}

TEST_F(group_checked, ReportsAGapWithinAnOwnership) {
  group.assigned("a", {of});
  deliver("a", 0, 2);
  deliver("a", 3, 4);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("a reads t-0 at 3 after it has read up to 2")));
  EXPECT_EQ(group.delivered_to(of), offset(2));
}

TEST_F(group_checked, ReportsABeginningBeyondWhatWasCommitted) {
  commit(3);
  group.assigned("b", {of});
  deliver("b", 4, 5);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("b begins t-0 at 4, where the group never was")));
}

TEST_F(group_checked, ReportsAPartitionGivenOrTakenTwice) {
  group.assigned("a", {of});
  group.assigned("a", {of});
  group.revoked("a", {of});
  group.revoked("a", {of});
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("is given t-0, which it has"),
                                         HasSubstr("has to give t-0 up, which it doesn't have")));
}

}  // namespace
}  // namespace moldau::scenarios
