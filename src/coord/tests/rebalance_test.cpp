#include <gtest/gtest.h>

#include "coord/tests/driver.hpp"

namespace moldau::coord {
namespace {

using testing::driver;

TEST(ClassicState, FollowsKafkasTransitions) {
  using enum classic_state;
  EXPECT_TRUE(may_follow(empty, preparing_rebalance));
  EXPECT_TRUE(may_follow(preparing_rebalance, completing_rebalance));
  EXPECT_TRUE(may_follow(preparing_rebalance, empty));
  EXPECT_TRUE(may_follow(completing_rebalance, stable));
  EXPECT_TRUE(may_follow(stable, dead));
  EXPECT_FALSE(may_follow(empty, stable));
  EXPECT_FALSE(may_follow(stable, completing_rebalance));
  EXPECT_FALSE(may_follow(dead, empty));
}

TEST(GroupJoin, GivesANewMemberItsIdFirst) {
  driver on;
  const auto first = on.join({});
  ASSERT_TRUE(*first);
  EXPECT_EQ((*first)->error, errc::member_id_required);
  EXPECT_TRUE((*first)->member_id.starts_with("client-"));
  EXPECT_EQ((*first)->member_id.size(), std::string("client-").size() + 36);
}

TEST(GroupJoin, LetsOldClientsInAtOnce) {
  driver on({.initial_rebalance_delay_ms = 0});
  const auto joined = on.join({.version = 3});
  ASSERT_TRUE(*joined);
  EXPECT_EQ((*joined)->error, errc::none);
  EXPECT_EQ((*joined)->generation, 1);
}

TEST(GroupJoin, RefusesSessionTimeoutsOutOfBounds) {
  driver on;
  EXPECT_EQ((*on.join({.session_ms = 5999}))->error, errc::invalid_session_timeout);
  EXPECT_EQ((*on.join({.session_ms = 1'800'001}))->error, errc::invalid_session_timeout);
}

TEST(GroupJoin, RefusesAnEmptyGroupId) {
  driver on;
  EXPECT_EQ((*on.join({.group = ""}))->error, errc::invalid_group_id);
}

TEST(GroupJoin, RefusesAnUnknownMemberOfAGroupThatIsnt) {
  driver on;
  EXPECT_EQ((*on.join({.member = "who"}))->error, errc::unknown_member_id);
}

TEST(GroupJoin, WaitsTheInitialDelayAndProlongsItForEachNewcomer) {
  driver on({.initial_rebalance_delay_ms = 3000});
  std::string a;
  std::string b;
  const auto first = on.join_with_new_id({}, a);
  on.advance(2000);
  const auto second = on.join_with_new_id({}, b);
  on.advance(1500);
  EXPECT_FALSE(*first);
  on.advance(3000);
  ASSERT_TRUE(*first && *second);
  EXPECT_EQ((*first)->generation, 1);
  EXPECT_EQ((*first)->leader, a);
  EXPECT_EQ((*first)->members.size(), 2U);
  EXPECT_TRUE((*second)->members.empty());
  EXPECT_EQ((*second)->protocol_name, "range");
}

TEST(GroupJoin, ProlongsTheInitialDelayNoFurtherThanTheRebalanceTimeout) {
  driver on({.initial_rebalance_delay_ms = 3000});
  std::string a;
  const auto first = on.join_with_new_id({.rebalance_ms = 8000}, a);
  std::vector<std::string> ids(8);
  std::vector<std::shared_ptr<std::optional<join_result>>> others;
  for (std::string& id : ids) {
    on.advance(1000);
    if (!*first) others.push_back(on.join_with_new_id({.rebalance_ms = 8000}, id));
  }
  on.advance(1000);
  EXPECT_TRUE(*first);
}

TEST(GroupJoin, PicksTheProtocolWithTheMostVotesThatAllSupport) {
  driver on;
  std::string a;
  std::string b;
  std::string c;
  const auto first = on.join_with_new_id({.protocols = {"range", "sticky"}}, a);
  on.join_with_new_id({.protocols = {"sticky", "range"}}, b);
  on.join_with_new_id({.protocols = {"cooperative", "sticky", "range"}}, c);
  on.advance(10'000);
  ASSERT_TRUE(*first);
  EXPECT_EQ((*first)->protocol_name, "sticky");
}

TEST(GroupJoin, RefusesAMemberWithNoCommonProtocol) {
  driver on;
  const std::string a = on.stable_member();
  EXPECT_EQ((*on.join({.protocols = {"sticky"}}))->error, errc::inconsistent_group_protocol);
  EXPECT_EQ((*on.join({.type = "connect"}))->error, errc::inconsistent_group_protocol);
  EXPECT_EQ((*on.join({.group = "other", .protocols = {}}))->error, errc::inconsistent_group_protocol);
}

TEST(GroupJoin, CountsAProtocolThatIsNamedTwiceOnce) {
  driver on;
  std::string a;
  std::string b;
  const auto first = on.join_with_new_id({.protocols = {"x", "x", "y"}}, a);
  on.join_with_new_id({.protocols = {"y"}}, b);
  on.advance(10'000);
  ASSERT_TRUE(*first);
  EXPECT_EQ((*first)->protocol_name, "y");
}

TEST(GroupJoin, KeepsTheGroupWithinItsMaximum) {
  driver on({.initial_rebalance_delay_ms = 0, .max_size = 1});
  const std::string a = on.stable_member();
  EXPECT_EQ((*on.join({}))->error, errc::group_max_size_reached);
  EXPECT_EQ(on.heartbeat(a, 1), errc::none);
}

TEST(GroupJoin, RemovesAPendingMemberThatDoesntComeBack) {
  driver on;
  const std::string id = (*on.join({.session_ms = 6000}))->member_id;
  on.advance(6000);
  EXPECT_EQ((*on.join({.member = id}))->error, errc::unknown_member_id);
}

TEST(GroupJoin, AnswersAParkedJoinThatTheSameMemberRepeats) {
  driver on;
  std::string a;
  const auto first = on.join_with_new_id({}, a);
  const auto again = on.join({.member = a});
  ASSERT_TRUE(*first);
  EXPECT_EQ((*first)->error, errc::unknown_member_id);
  on.advance(3000);
  ASSERT_TRUE(*again);
  EXPECT_EQ((*again)->error, errc::none);
}

TEST(GroupSync, HandsOutTheLeadersAssignmentOnceItIsCommitted) {
  driver on({.initial_rebalance_delay_ms = 3000});
  std::string a;
  std::string b;
  on.join_with_new_id({}, a);
  on.join_with_new_id({}, b);
  on.advance(6000);
  const auto follower = on.sync({.member = b});
  const auto leader = on.sync({.member = a, .assignments = {{a, "for a"}, {b, "for b"}}});
  EXPECT_FALSE(*follower);
  EXPECT_FALSE(*leader);
  on.settle();
  ASSERT_TRUE(*follower && *leader);
  EXPECT_EQ(as_text((*follower)->assignment), "for b");
  EXPECT_EQ(as_text((*leader)->assignment), "for a");
  EXPECT_EQ((*leader)->protocol_type, "consumer");
  EXPECT_EQ(on->find_classic("g")->state(), classic_state::stable);
}

TEST(GroupSync, ChecksGenerationProtocolAndMember) {
  driver on({.initial_rebalance_delay_ms = 0});
  std::string a;
  on.join_with_new_id({}, a);
  EXPECT_EQ((*on.sync({.member = a, .generation = 2}))->error, errc::illegal_generation);
  EXPECT_EQ((*on.sync({.member = "who"}))->error, errc::unknown_member_id);
  EXPECT_EQ((*on.sync({.member = a, .protocol = "sticky"}))->error, errc::inconsistent_group_protocol);
  EXPECT_EQ((*on.sync({.member = a, .type = "connect"}))->error, errc::inconsistent_group_protocol);
  EXPECT_EQ((*on.sync({.group = "none", .member = a}))->error, errc::unknown_member_id);
}

TEST(GroupSync, FailsAllWhenTheAssignmentCantBeStored) {
  driver on({.initial_rebalance_delay_ms = 0});
  std::string a;
  on.join_with_new_id({}, a);
  on.append_error = errc::not_enough_replicas;
  const auto synced = on.sync({.member = a, .assignments = {{a, "x"}}});
  ASSERT_TRUE(*synced);
  EXPECT_EQ((*synced)->error, errc::coordinator_not_available);
  EXPECT_EQ(on->find_classic("g")->state(), classic_state::preparing_rebalance);
}

TEST(GroupSync, LetsThoseGoWhoDontAskForTheirAssignment) {
  driver on({.initial_rebalance_delay_ms = 0});
  std::string a;
  on.join_with_new_id({.session_ms = 100'000, .rebalance_ms = 20'000}, a);
  on.advance(20'000);
  EXPECT_EQ(on.heartbeat(a, 1), errc::unknown_member_id);
  EXPECT_EQ(on->find_classic("g")->state(), classic_state::empty);
}

TEST(GroupSync, RepeatsTheAssignmentOfAStableGroup) {
  driver on;
  const std::string a = on.stable_member();
  const auto again = on.sync({.member = a});
  ASSERT_TRUE(*again);
  EXPECT_EQ(as_text((*again)->assignment), "a");
}

TEST(GroupRebalance, TellsTheOthersAndWaitsForThem) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member();
  std::string b;
  const auto second = on.join_with_new_id({}, b);
  EXPECT_EQ(on.heartbeat(a, 1), errc::rebalance_in_progress);
  EXPECT_FALSE(*second);
  const auto first = on.join({.member = a});
  ASSERT_TRUE(*first && *second);
  EXPECT_EQ((*second)->generation, 2);
  EXPECT_EQ((*first)->leader, a);
  EXPECT_EQ(on.heartbeat(a, 1), errc::illegal_generation);
  EXPECT_EQ(on.heartbeat(a, 2), errc::none);
}

TEST(GroupRebalance, GoesOnWithoutThoseWhoDontJoinInTime) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member({.session_ms = 100'000, .rebalance_ms = 20'000});
  std::string b;
  const auto second = on.join_with_new_id({.rebalance_ms = 20'000}, b);
  on.advance(20'000);
  ASSERT_TRUE(*second);
  EXPECT_EQ((*second)->generation, 2);
  EXPECT_EQ((*second)->leader, b);
  EXPECT_EQ((*second)->members.size(), 1U);
}

TEST(GroupRebalance, AParkedSyncIsSentBackToJoining) {
  driver on({.initial_rebalance_delay_ms = 3000});
  std::string a;
  std::string b;
  on.join_with_new_id({}, a);
  on.join_with_new_id({}, b);
  on.advance(6000);
  const auto follower = on.sync({.member = b});
  std::string c;
  on.join_with_new_id({}, c);
  ASSERT_TRUE(*follower);
  EXPECT_EQ((*follower)->error, errc::rebalance_in_progress);
}

TEST(GroupRebalance, AFollowerThatJoinsAgainUnchangedGetsTheSameGeneration) {
  driver on({.initial_rebalance_delay_ms = 3000});
  std::string a;
  std::string b;
  on.join_with_new_id({}, a);
  on.join_with_new_id({}, b);
  on.advance(6000);
  on.sync({.member = a});
  on.sync({.member = b});
  on.settle();
  const auto again = on.join({.member = b});
  ASSERT_TRUE(*again);
  EXPECT_EQ((*again)->generation, 1);
  EXPECT_FALSE(*on.join({.member = a}));  // the leader means it
  EXPECT_EQ(on->find_classic("g")->state(), classic_state::preparing_rebalance);
}

TEST(GroupSession, EndsWithoutHeartbeatsAndEmptiesTheGroup) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member({.session_ms = 6000});
  on.advance(5000);
  EXPECT_EQ(on.heartbeat(a, 1), errc::none);
  on.advance(5999);
  EXPECT_EQ(on->find_classic("g")->state(), classic_state::stable);
  on.advance(1);
  EXPECT_EQ(on->find_classic("g")->state(), classic_state::empty);
  EXPECT_EQ(on->find_classic("g")->generation(), 2);
  EXPECT_EQ(on.heartbeat(a, 1), errc::unknown_member_id);
}

TEST(GroupSession, IsKeptByCommits) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member({.session_ms = 6000});
  for (int i = 0; i < 5; ++i) {
    on.advance(4000);
    EXPECT_EQ(on.commit_code({.member = a, .generation = 1}), errc::none);
  }
}

TEST(GroupSession, BeginsAnewWhenTheGroupIsLoaded) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member({.session_ms = 6000});
  on.advance(5000);
  on.restart();
  on.advance(5999);
  EXPECT_EQ(on.heartbeat(a, 1), errc::none);
}

TEST(GroupLeave, AnswersEachMember) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member();
  const auto left = on.leave({{.id = a}, {.id = "who"}});
  EXPECT_EQ(left.error, errc::none);
  EXPECT_EQ(left.members, (std::vector{errc::none, errc::unknown_member_id}));
  EXPECT_EQ(on->find_classic("g")->state(), classic_state::empty);
}

TEST(GroupLeave, OfAGroupThatIsntFailsEachMember) {
  driver on;
  EXPECT_EQ(on.leave({{.id = "a"}, {.id = "b"}}).members,
            (std::vector{errc::unknown_member_id, errc::unknown_member_id}));
}

TEST(GroupUnload, AnswersWhatIsParked) {
  driver on;
  std::string a;
  const auto joined = on.join_with_new_id({}, a);
  on->unload();
  ASSERT_TRUE(*joined);
  EXPECT_EQ((*joined)->error, errc::not_coordinator);
}

TEST(StaticMember, ComesBackWithoutARebalance) {
  driver on({.initial_rebalance_delay_ms = 0});
  const auto first = on.join({.instance = "i"});
  ASSERT_TRUE(*first);
  const std::string old = (*first)->member_id;
  EXPECT_TRUE(old.starts_with("i-"));
  on.sync({.member = old, .instance = "i", .assignments = {{old, "a"}}});
  on.settle();
  const auto second = on.join({.instance = "i"});
  EXPECT_FALSE(*second);  // until its new id is stored
  on.settle();
  ASSERT_TRUE(*second);
  EXPECT_EQ((*second)->error, errc::none);
  EXPECT_EQ((*second)->generation, 1);
  EXPECT_NE((*second)->member_id, old);
  EXPECT_EQ((*second)->leader, (*second)->member_id);
  EXPECT_TRUE((*second)->skip_assignment);
  EXPECT_EQ((*second)->members.size(), 1U);
  const auto synced = on.sync({.member = (*second)->member_id, .instance = "i"});
  ASSERT_TRUE(*synced);
  EXPECT_EQ(as_text((*synced)->assignment), "a");
  EXPECT_EQ(on.heartbeat(old, 1, "g", "i"), errc::fenced_instance_id);
}

TEST(StaticMember, OfAnOldClientIsToldTheOldLeader) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string old = (*on.join({.instance = "i", .version = 8}))->member_id;
  on.sync({.member = old, .instance = "i", .assignments = {{old, "a"}}});
  on.settle();
  const auto second = on.join({.instance = "i", .version = 8});
  on.settle();
  ASSERT_TRUE(*second);
  EXPECT_EQ((*second)->leader, old);
  EXPECT_FALSE((*second)->skip_assignment);
}

TEST(StaticMember, KeepsItsOldIdWhenTheNewOneCantBeStored) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string old = (*on.join({.instance = "i"}))->member_id;
  on.sync({.member = old, .instance = "i", .assignments = {{old, "a"}}});
  on.settle();
  on.append_error = errc::not_enough_replicas;
  const auto second = on.join({.instance = "i"});
  ASSERT_TRUE(*second);
  EXPECT_EQ((*second)->error, errc::coordinator_not_available);
  EXPECT_EQ(on.heartbeat(old, 1, "g", "i"), errc::none);
}

TEST(StaticMember, StaysThroughARebalanceThatItMisses) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = (*on.join({.instance = "i", .session_ms = 100'000, .rebalance_ms = 20'000}))->member_id;
  on.sync({.member = a, .instance = "i", .assignments = {{a, "a"}}});
  on.settle();
  std::string b;
  const auto second = on.join_with_new_id({.session_ms = 100'000, .rebalance_ms = 20'000}, b);
  on.advance(20'000);
  ASSERT_TRUE(*second);
  EXPECT_EQ((*second)->leader, b);
  EXPECT_EQ((*second)->members.size(), 2U);
}

TEST(StaticMember, IsRemovedByItsInstanceIdAlone) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = (*on.join({.instance = "i"}))->member_id;
  EXPECT_EQ(on.leave({{.id = "", .instance_id = "i"}}).members.front(), errc::none);
  EXPECT_EQ(on.heartbeat(a, 1, "g", "i"), errc::unknown_member_id);
}

}  // namespace
}  // namespace moldau::coord
