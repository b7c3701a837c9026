#include "client/group_membership.hpp"

#include <gtest/gtest.h>

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using step = group_membership::step;
using state = group_membership::state;

struct GroupMembership : ::testing::Test {
  group_membership member{
      {.heartbeat_interval = 3s, .session_timeout = 10s, .poll_interval_max = 60s, .retry_backoff = 100ms}};
  rt::time_point now{1h};

  GroupMembership() { member.on_poll(now); }

  void prepare() {
    ASSERT_EQ(member.next(now), step::prepare);
    member.on_preparing();
    member.on_prepared();
    ASSERT_EQ(member.next(now), step::join);
  }
  void become_stable(std::int32_t generation = 1) {
    prepare();
    member.on_join_sent();
    ASSERT_TRUE(member.on_join(errc::none, "m", generation, true, now));
    ASSERT_TRUE(member.on_sync(errc::none, now));
    ASSERT_TRUE(member.is_stable());
  }
};

TEST_F(GroupMembership, JoinsAgainUnderTheIdThatItIsGiven) {
  prepare();
  member.on_join_sent();
  EXPECT_EQ(member.next(now), step::nothing);
  ASSERT_TRUE(member.on_join(errc::member_id_required, "given", -1, false, now));
  EXPECT_EQ(member.next(now), step::join);
  EXPECT_EQ(member.member_id(), "given");
}

TEST_F(GroupMembership, BeatsAtItsInterval) {
  become_stable();
  EXPECT_FALSE(member.heartbeat_due(now));
  EXPECT_EQ(member.wake_at(now), now + 3s);
  now += 3s;
  ASSERT_TRUE(member.heartbeat_due(now));
  member.on_heartbeat_sent(now);
  EXPECT_FALSE(member.heartbeat_due(now + 3s)) << "one at a time";
  ASSERT_TRUE(member.on_heartbeat(errc::none, member.who(), now));
  EXPECT_FALSE(member.heartbeat_due(now));
  EXPECT_TRUE(member.is_stable());
}

TEST_F(GroupMembership, BeatsOnWhileItPreparesToJoinAnew) {
  become_stable();
  member.rejoin("a test");
  member.on_preparing();
  now += 3s;
  EXPECT_TRUE(member.heartbeat_due(now));
}

TEST_F(GroupMembership, RejoinsUnderItsIdWhenTheGroupRebalances) {
  become_stable();
  ASSERT_TRUE(member.on_heartbeat(errc::rebalance_in_progress, member.who(), now));
  EXPECT_EQ(member.next(now), step::prepare);
  EXPECT_EQ(member.member_id(), "m");
  EXPECT_FALSE(member.lost());
}

TEST_F(GroupMembership, HasLostItsPartWhenTheGroupForgotIt) {
  become_stable();
  ASSERT_TRUE(member.on_heartbeat(errc::unknown_member_id, member.who(), now));
  EXPECT_EQ(member.next(now), step::prepare);
  EXPECT_EQ(member.member_id(), "");
  EXPECT_TRUE(member.lost());
  prepare();
  EXPECT_FALSE(member.lost());
}

TEST_F(GroupMembership, KeepsItsIdWhenOnlyItsGenerationIsOld) {
  become_stable();
  member.on_commit_refused(errc::illegal_generation, member.who());
  EXPECT_TRUE(member.lost());
  EXPECT_EQ(member.member_id(), "m");
  EXPECT_EQ(member.generation(), -1);
}

TEST_F(GroupMembership, TakesNoNoticeOfAnswersToWhoItWas) {
  become_stable();
  const auto before = member.who();
  member.rejoin("a test");
  become_stable(2);
  member.on_commit_refused(errc::illegal_generation, before);
  ASSERT_TRUE(member.on_heartbeat(errc::unknown_member_id, before, now));
  EXPECT_TRUE(member.is_stable());
}

TEST_F(GroupMembership, LosesItsPartAlsoWhenNobodyAnswersForASession) {
  become_stable();
  member.on_unreachable(now + 5s);
  EXPECT_TRUE(member.is_stable());
  member.on_unreachable(now + 11s);
  EXPECT_FALSE(member.is_stable());
  EXPECT_TRUE(member.lost());
}

TEST_F(GroupMembership, WaitsABackoffAfterAFailureInPassing) {
  prepare();
  member.on_join_sent();
  ASSERT_TRUE(member.on_join(errc::coordinator_load_in_progress, "", -1, false, now));
  EXPECT_EQ(member.next(now), step::nothing);
  EXPECT_EQ(member.next(now + 100ms), step::join);
}

TEST_F(GroupMembership, LeavesWhenNobodyPolls) {
  become_stable();
  now += 61s;
  EXPECT_EQ(member.next(now), step::leave);
  member.on_left();
  EXPECT_EQ(member.next(now), step::nothing);
  EXPECT_TRUE(member.lost());
  member.on_poll(now);
  EXPECT_EQ(member.next(now), step::prepare);
}

TEST_F(GroupMembership, LeavesAlsoWhenNobodyPollsWhileItPrepares) {
  become_stable();
  member.rejoin("a test");
  member.on_preparing();
  now += 61s;
  EXPECT_EQ(member.next(now), step::leave);
}

TEST_F(GroupMembership, JoinsOnceMoreForAChangeDuringARound) {
  prepare();
  member.on_join_sent();
  member.rejoin("the subscription was changed");
  ASSERT_TRUE(member.on_join(errc::none, "m", 1, false, now));
  ASSERT_TRUE(member.on_sync(errc::none, now));
  EXPECT_EQ(member.next(now), step::prepare);
  EXPECT_EQ(member.generation(), 1);
}

TEST_F(GroupMembership, FailsWithWhatAnotherAttemptCannotMend) {
  for (const errc code : {errc::inconsistent_group_protocol, errc::fenced_instance_id, errc::group_max_size_reached}) {
    group_membership other{{.heartbeat_interval = 3s, .session_timeout = 10s, .poll_interval_max = 60s}};
    other.on_preparing();
    other.on_prepared();
    other.on_join_sent();
    const auto joined = other.on_join(code, "", -1, false, now);
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().code, code);
  }
}

}  // namespace
}  // namespace moldau::client
