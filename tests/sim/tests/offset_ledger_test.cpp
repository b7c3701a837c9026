#include "tests/sim/offset_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace moldau::scenarios {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Group "g" and one partition; time is counted from the start, and retention is a minute.
class offsets_checked : public ::testing::Test {
 protected:
  static std::string metadata(std::int64_t at) { return "m" + std::to_string(at); }
  void send(std::int64_t at, rt::duration now = 0s) {
    groups.sending("g", of, offset(at), metadata(at), rt::time_point() + now);
  }
  void commit(std::int64_t at) {
    send(at);
    groups.committed("g", of, offset(at));
  }
  void used(rt::duration at) { groups.in_use("g", rt::time_point() + at); }
  [[nodiscard]] offset_ledger::question ask() const { return groups.asking("g", of); }
  void told(const offset_ledger::question& asked, std::optional<std::int64_t> at, rt::duration now = 0s) {
    groups.told("g", of, asked, at ? std::optional(offset(*at)) : std::nullopt, at ? metadata(*at) : "",
                rt::time_point() + now);
  }

  const topic_partition of{"t", partition_id(0)};
  verdict found;
  offset_ledger groups{found, 1min};
};

TEST_F(offsets_checked, WhatWasCommittedOrIsUnderWayIsFine) {
  told(ask(), std::nullopt);
  commit(3);
  told(ask(), 3);
  send(5);
  told(ask(), 5);
  EXPECT_TRUE(found.passed()) << found.first().front();
  EXPECT_EQ(groups.committed_count(), 1U);
  EXPECT_EQ(groups.fresh("g", of), offset(6));
}

TEST_F(offsets_checked, AnAnswerMayBeOlderThanACommitThatCameAfterTheQuestion) {
  commit(3);
  const auto asked = ask();
  commit(5);
  told(asked, 3);
  EXPECT_TRUE(found.passed()) << found.first().front();
}

TEST_F(offsets_checked, OffsetsMayExpireWhenTheGroupIsOutOfUse) {
  commit(3);
  used(10s);
  told(ask(), std::nullopt, 70s);
  groups.told_after_retention("g", of, std::nullopt);
  EXPECT_TRUE(found.passed()) << found.first().front();
}

TEST_F(offsets_checked, ACommitWithoutAnAnswerKeepsTheGroupInUseFromWhenItWasSent) {
  send(3, 10s);
  told(ask(), 3, 20s);
  told(ask(), std::nullopt, 70s);
  EXPECT_TRUE(found.passed()) << found.first().front();
  told(ask(), std::nullopt, 69s);
  EXPECT_THAT(found.first(),
              ElementsAre(HasSubstr("no offset, though 3 was committed and the group was in use 59000")));
}

TEST_F(offsets_checked, ReportsAnOffsetThatGoesBack) {
  commit(3);
  commit(5);
  told(ask(), 3);
  EXPECT_THAT(found.first(), ElementsAre("g of t-0: the offset went back from 5 to 3"));
}

TEST_F(offsets_checked, ReportsAnOffsetThatGoesBackFromWhatWasTold) {
  commit(3);
  send(5);
  told(ask(), 5);
  told(ask(), 3);
  EXPECT_THAT(found.first(), ElementsAre("g of t-0: the offset went back from 5 to 3"));
}

TEST_F(offsets_checked, ReportsALostOffset) {
  commit(3);
  used(10s);
  told(ask(), std::nullopt, 69s);
  EXPECT_THAT(found.first(),
              ElementsAre(HasSubstr("no offset, though 3 was committed and the group was in use 59000")));
}

TEST_F(offsets_checked, ReportsAnOffsetThatNobodyCommitted) {
  commit(3);
  told(ask(), 4);
  EXPECT_THAT(found.first(), ElementsAre("g of t-0: nobody committed 4 with m4"));
}

TEST_F(offsets_checked, ReportsAnotherCommitsMetadata) {
  commit(3);
  groups.told("g", of, ask(), offset(3), "other", rt::time_point());
  EXPECT_THAT(found.first(), ElementsAre("g of t-0: nobody committed 3 with other"));
}

TEST_F(offsets_checked, ReportsAnOffsetThatDoesNotExpire) {
  groups.told_after_retention("g", of, offset(3));
  EXPECT_THAT(found.first(), ElementsAre("g of t-0: 3 is still there after the retention time"));
}

}  // namespace
}  // namespace moldau::scenarios
