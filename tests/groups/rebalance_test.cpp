#include <gmock/gmock.h>

#include "tests/groups/playground.hpp"

namespace moldau::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

void cooperative(consumer_options& options) {
  options.assignors = {cooperative_sticky_assignor()};
}

TEST_F(Groups, AMemberReadsAllAndItsSuccessorGoesOnFromTheCommit) {
  create_topic("t", 2);
  produce("t", 0, {"a", "b"});
  produce("t", 1, {"c"});
  reader& first = add_reader("first");
  first.subscribe({"t"});
  ASSERT_TRUE(until([&] { return first.seen.size() == 3; }));
  first.close();
  ASSERT_TRUE(until([&] { return first.is_closed(); }));
  EXPECT_THAT(first.told, ElementsAre("+t-0 t-1", "-t-0 t-1"));

  produce("t", 0, {"d"});
  reader& second = add_reader("second");
  second.subscribe({"t"});
  ASSERT_TRUE(until([&] { return !second.seen.empty(); }));
  world.run_for(5s);
  EXPECT_THAT(second.seen, ElementsAre("d"));
  EXPECT_TRUE(second.failures.empty());
}

TEST_F(Groups, MembersSplitATopicAndTakeOverFromOneThatLeaves) {
  create_topic("t", 4);
  reader& a = add_reader("a");
  reader& b = add_reader("b");
  a.subscribe({"t"});
  b.subscribe({"t"});
  ASSERT_TRUE(settles("t", 4));
  EXPECT_THAT(a.owned, SizeIs(2));
  EXPECT_THAT(b.owned, SizeIs(2));

  a.close();
  ASSERT_TRUE(until([&] { return b.owned.size() == 4; }, 20s)) << "within a heartbeat, not a session";
}

TEST_F(Groups, OneThatDiesIsReplacedWhenItsSessionEnds) {
  create_topic("t", 2);
  reader& a = add_reader("a");
  reader& b = add_reader("b");
  a.subscribe({"t"});
  b.subscribe({"t"});
  ASSERT_TRUE(settles("t", 2));
  a.host().kill();
  a.owned.clear();
  ASSERT_TRUE(until([&] { return b.owned.size() == 2; }, 30s));
  EXPECT_TRUE(b.failures.empty());
}

TEST_F(Groups, CooperativeMembersKeepWhatTheyDoNotGiveAway) {
  create_topic("t", 4);
  reader& a = add_reader("a", cooperative);
  a.subscribe({"t"});
  ASSERT_TRUE(settles("t", 4));
  reader& b = add_reader("b", cooperative);
  b.subscribe({"t"});
  ASSERT_TRUE(settles("t", 4));
  EXPECT_THAT(a.owned, SizeIs(2));
  EXPECT_THAT(b.owned, SizeIs(2));
  // One revocation of two partitions, and nothing else was ever taken from it.
  std::vector<std::string> taken;
  for (const std::string& each : a.told) {
    if (each.front() != '+') taken.push_back(each);
  }
  ASSERT_THAT(taken, SizeIs(1));
  EXPECT_EQ(std::ranges::count(taken[0], ' '), 1) << taken[0];
}

TEST_F(Groups, NoRecordIsLostOrReadTwiceWhileCooperativeMembersComeAndGo) {
  create_topic("t", 6);
  std::set<std::string> expected;
  const auto produce_round = [&](int round) {
    for (int p = 0; p < 6; ++p) {
      std::vector<std::string> values;
      for (int i = 0; i < 5; ++i)
        values.push_back(std::to_string(round) + "." + std::to_string(p) + "." + std::to_string(i));
      expected.insert(values.begin(), values.end());
      produce("t", p, values);
    }
  };
  std::vector<reader*> all;
  for (int round = 0; round < 4; ++round) {
    all.push_back(&add_reader("r" + std::to_string(round), cooperative));
    all.back()->subscribe({"t"});
    produce_round(round);
    world.run_for(2s);
  }
  all[0]->close();
  produce_round(4);
  ASSERT_TRUE(settles("t", 6));
  std::multiset<std::string> seen;
  for (const reader* each : all) seen.insert(each->seen.begin(), each->seen.end());
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), expected);
  EXPECT_EQ(seen.size(), expected.size());
}

TEST_F(Groups, AStaticMemberFindsItsPlaceAgainWithoutARebalance) {
  create_topic("t", 4);
  const auto is_static = [](std::string id) {
    return [id](consumer_options& options) {
      options.instance_id = id;
      options.session_timeout_ms = 30'000;
    };
  };
  reader& a = add_reader("a", is_static("one"));
  reader& b = add_reader("b", is_static("two"));
  a.subscribe({"t"});
  b.subscribe({"t"});
  ASSERT_TRUE(settles("t", 4));
  const auto had = a.owned;
  const std::size_t b_was_told = b.told.size();
  a.close();
  ASSERT_TRUE(until([&] { return a.is_closed(); }));
  reader& again = add_reader("a2", is_static("one"));
  again.subscribe({"t"});
  ASSERT_TRUE(until([&] { return again.owned == had; }, 15s));
  EXPECT_EQ(b.told.size(), b_was_told);
}

TEST_F(Groups, AnInstanceThatAnotherTookOverStaysFenced) {
  create_topic("t", 1);
  const auto is_static = [](consumer_options& options) { options.instance_id = "one"; };
  reader& first = add_reader("first", is_static);
  first.subscribe({"t"});
  ASSERT_TRUE(settles("t", 1));
  reader& second = add_reader("second", is_static);
  second.subscribe({"t"});
  ASSERT_TRUE(until([&] { return first.failures.size() >= 2 && second.owned.size() == 1; }));
  for (const error& each : first.failures) EXPECT_EQ(each.code, errc::fenced_instance_id);
  world.run_for(20s);
  EXPECT_TRUE(second.failures.empty());
}

TEST_F(Groups, OneThatStopsPollingLosesItsPartitionsToOthers) {
  create_topic("t", 2);
  const auto impatient = [](consumer_options& options) { options.max_poll_interval_ms = 3'000; };
  reader& a = add_reader("a", impatient);
  reader& b = add_reader("b", impatient);
  a.subscribe({"t"});
  b.subscribe({"t"});
  ASSERT_TRUE(settles("t", 2));
  a.stop_polling();
  ASSERT_TRUE(until([&] { return b.owned.size() == 2; }, 20s));
  EXPECT_EQ(a.told.back().front(), '!');
  EXPECT_TRUE(a.owned.empty());
  a.start_polling();
  EXPECT_TRUE(settles("t", 2));
  EXPECT_THAT(a.owned, SizeIs(1));
}

TEST_F(Groups, WhatIsBeingWorkedOnIsGivenUpOnlyAtTheNextPoll) {
  create_topic("t", 1);
  produce("t", 0, {"a"});
  reader& first = add_reader("first");
  first.subscribe({"t"});
  ASSERT_TRUE(until([&] { return first.seen.size() == 1; }));
  first.stop_polling();
  world.run_for(1s);
  reader& second = add_reader("second", [](consumer_options& options) { options.instance_id = "0-comes-first"; });
  second.subscribe({"t"});
  world.run_for(20s);
  EXPECT_THAT(first.owned, SizeIs(1));
  EXPECT_TRUE(second.owned.empty());
  first.start_polling();
  ASSERT_TRUE(until([&] { return second.owned.size() == 1; }));
  world.run_for(5s);
  EXPECT_TRUE(second.seen.empty()) << "it was committed before it went";
}

TEST_F(Groups, TheGroupWaitsForACommitBeforePartitionsGo) {
  create_topic("t", 1);
  produce("t", 0, {"a", "b", "c"});
  reader& first = add_reader("first", [](consumer_options& options) { options.auto_commit = false; });
  first.before_revoked = [&](const std::vector<topic_partition>& which) {
    return first.client().commit({{which.at(0), committed_offset{.offset = offset(2), .metadata = "by hand"}}});
  };
  first.subscribe({"t"});
  ASSERT_TRUE(until([&] { return first.seen.size() == 3; }));
  reader& second = add_reader("second", [](consumer_options& options) { options.instance_id = "0-comes-first"; });
  second.subscribe({"t"});
  ASSERT_TRUE(until([&] { return !second.seen.empty(); }));
  EXPECT_THAT(second.seen, ElementsAre("c"));
}

TEST_F(Groups, APatternTakesInTopicsThatAreMadeLater) {
  create_topic("orders-a", 1);
  create_topic("other", 1);
  reader& a = add_reader("a", [](consumer_options& options) { options.client.metadata_max_age_ms = 2'000; });
  a.subscribe_matching("orders-.*");
  ASSERT_TRUE(until([&] { return a.owned.size() == 1; }));
  create_topic("orders-b", 2);
  ASSERT_TRUE(until([&] { return a.owned.size() == 3; }, 20s));
  produce("orders-b", 1, {"x"});
  ASSERT_TRUE(until([&] { return a.seen.size() == 1; }));
  EXPECT_THAT(await(a.host(), a.client().subscription()).value(), ElementsAre("orders-a", "orders-b"));
}

TEST_F(Groups, ATopicThatComesLateIsReadSoonAfter) {
  reader& a = add_reader("a");
  a.subscribe({"late"});
  world.run_for(5s);
  EXPECT_TRUE(a.failures.empty());
  create_topic("late", 2);
  ASSERT_TRUE(until([&] { return a.owned.size() == 2; }, 10s));
}

TEST_F(Groups, RoundRobinAndRangeMembersCannotMix) {
  create_topic("t", 1);
  reader& a = add_reader("a", [](consumer_options& options) { options.assignors = {range_assignor()}; });
  a.subscribe({"t"});
  ASSERT_TRUE(settles("t", 1));
  reader& b = add_reader("b", [](consumer_options& options) { options.assignors = {round_robin_assignor()}; });
  b.subscribe({"t"});
  ASSERT_TRUE(until([&] { return !b.failures.empty(); }));
  EXPECT_EQ(b.failures[0].code, errc::inconsistent_group_protocol);
}

TEST_F(Groups, UnsubscribingLeavesAndSubscribingAnewComesBack) {
  create_topic("t", 1);
  create_topic("u", 1);
  reader& a = add_reader("a");
  a.subscribe({"t"});
  ASSERT_TRUE(settles("t", 1));
  ASSERT_TRUE(await(a.host(), a.client().unsubscribe()));
  EXPECT_TRUE(a.owned.empty());
  EXPECT_EQ(await(a.host(), a.client().group_metadata()).value().generation, -1);
  a.subscribe({"u"});
  ASSERT_TRUE(settles("u", 1));
  // A change of topics without leaving.
  a.subscribe({"t", "u"});
  ASSERT_TRUE(until([&] { return a.owned.size() == 2; }));
  EXPECT_TRUE(a.failures.empty());
}

TEST_F(Groups, ABrokersRestartIsSurvived) {
  create_topic("t", 2);
  reader& a = add_reader("a");
  a.subscribe({"t"});
  ASSERT_TRUE(settles("t", 2));
  produce("t", 0, {"before"});
  ASSERT_TRUE(until([&] { return a.seen.size() == 1; }));
  world.run_for(6s);
  broker.restart();
  ASSERT_TRUE(until([&] { return broker.ready(); }));
  produce("t", 1, {"after"});
  ASSERT_TRUE(until([&] { return a.seen.size() == 2; }));
  EXPECT_THAT(a.seen, ElementsAre("before", "after"));
  EXPECT_TRUE(a.failures.empty());
}

}  // namespace
}  // namespace moldau::client
