#include "testing/fake_broker/group.hpp"

#include <gtest/gtest.h>

#include "testing/fake_broker/fetch_sessions.hpp"

namespace moldau::testing::fake {
namespace {

using namespace std::chrono_literals;

class FakeGroup : public ::testing::Test {
 protected:
  group::join_answer join(const std::string& id, std::string metadata = "m",
                          std::optional<std::string> instance = std::nullopt) {
    return one.join({.member_id = id,
                     .instance_id = std::move(instance),
                     .client_id = "c",
                     .session = 10s,
                     .rebalance = 20s,
                     .protocol_type = "consumer",
                     .protocols = {{"range", std::move(metadata)}},
                     .must_know_id = true,
                     .id_if_new = "new-" + std::to_string(++made)},
                    now, 0s);
  }
  /// Joins as a new member does; its id.
  std::string enter() {
    const auto told = join("");
    EXPECT_EQ(told.code, errc::member_id_required);
    (void)join(told.member_id);
    return told.member_id;
  }
  std::optional<errc> sync(const std::string& id, std::vector<std::pair<std::string, std::string>> shares = {}) {
    return one.sync(id, std::nullopt, one.generation(), shares, now);
  }

  group one;
  rt::time_point now{1h};
  int made = 0;
};

TEST_F(FakeGroup, OneMemberBecomesStable) {
  const auto id = enter();
  EXPECT_EQ(one.generation(), 1);
  EXPECT_EQ(one.leader(), id);
  EXPECT_EQ(sync(id, {{id, "share"}}), errc::none);
  EXPECT_EQ(one.state_name(), "Stable");
  EXPECT_EQ(one.members().at(id).assignment, "share");
  EXPECT_EQ(one.heartbeat(id, std::nullopt, 1, now), errc::none);
  EXPECT_EQ(one.heartbeat(id, std::nullopt, 0, now), errc::illegal_generation);
  EXPECT_EQ(one.heartbeat("who", std::nullopt, 1, now), errc::unknown_member_id);
}

TEST_F(FakeGroup, ASecondMemberWaitsUntilTheFirstHasJoinedAgain) {
  const auto a = enter();
  ASSERT_EQ(sync(a, {}), errc::none);
  const auto told = join("");
  const auto waiting = join(told.member_id);
  EXPECT_TRUE(waiting.waits);
  EXPECT_EQ(one.heartbeat(a, std::nullopt, 1, now), errc::rebalance_in_progress);
  EXPECT_FALSE(join(a).waits);
  EXPECT_FALSE(one.joined(waiting).waits);
  EXPECT_EQ(one.generation(), 2);
  // The follower waits for the leader's shares.
  const auto other = one.leader() == a ? told.member_id : a;
  EXPECT_EQ(sync(other), std::nullopt);
  EXPECT_EQ(sync(one.leader(), {{other, "x"}}), errc::none);
  EXPECT_EQ(sync(other), errc::none);
}

TEST_F(FakeGroup, WhoDoesNotJoinAgainInTimeIsOut) {
  const auto a = enter();
  ASSERT_EQ(sync(a, {}), errc::none);
  const auto told = join("");
  const auto waiting = join(told.member_id);
  now += 5s;
  (void)one.heartbeat(a, std::nullopt, 1, now);
  now += 9s;
  (void)one.heartbeat(a, std::nullopt, 1, now);
  now += 7s;
  one.tick(now);
  EXPECT_FALSE(one.joined(waiting).waits);
  EXPECT_FALSE(one.members().contains(a));
}

TEST_F(FakeGroup, ASessionThatEndsTakesTheMemberOut) {
  const auto a = enter();
  ASSERT_EQ(sync(a, {}), errc::none);
  EXPECT_EQ(one.next_event(), now + 10s);
  now += 10s;
  one.tick(now);
  EXPECT_EQ(one.state_name(), "Empty");
  EXPECT_EQ(one.may_commit("", std::nullopt, -1, now), errc::none);
}

TEST_F(FakeGroup, AStaticMemberTakesItsPlaceOverWithoutARebalance) {
  (void)join("", "m", "i");
  const auto first = one.members().begin()->first;
  ASSERT_EQ(one.sync(first, "i", 1, {{first, "share"}}, now), errc::none);
  const auto back = join("", "m", "i");
  EXPECT_NE(back.member_id, first);
  EXPECT_FALSE(back.waits);
  EXPECT_EQ(one.generation(), 1);
  EXPECT_EQ(one.members().at(back.member_id).assignment, "share");
  EXPECT_EQ(one.heartbeat(first, "i", 1, now), errc::fenced_instance_id);
}

TEST_F(FakeGroup, RefusesAMemberThatSpeaksAnotherProtocol) {
  (void)enter();
  const auto other = one.join({.session = 10s,
                               .rebalance = 10s,
                               .protocol_type = "connect",
                               .protocols = {{"range", ""}},
                               .id_if_new = "other"},
                              now, 0s);
  EXPECT_EQ(other.code, errc::inconsistent_group_protocol);
}

wanted_partition wanted(std::string topic, std::int64_t at) {
  return {.topic = std::move(topic), .id = {}, .index = partition_id(0), .offset = offset(at)};
}

TEST(FakeFetchSessions, KeepWhatIsNotNamedAgain) {
  fetch_sessions sessions;
  const auto opened = sessions.open(0, 0, {wanted("a", 0), wanted("b", 0)}, {});
  ASSERT_NE(opened.id, 0);
  EXPECT_FALSE(opened.incremental);
  const auto next = sessions.open(opened.id, 1, {wanted("b", 5)}, {});
  ASSERT_EQ(next.partitions.size(), 2U);
  EXPECT_TRUE(next.incremental);
  EXPECT_EQ(next.partitions[1].offset, offset(5));
  EXPECT_EQ(sessions.open(opened.id, 2, {}, {wanted("a", 0)}).partitions.size(), 1U);
}

TEST(FakeFetchSessions, RefuseAnEpochOutOfTurnAndAnUnknownSession) {
  fetch_sessions sessions;
  const auto opened = sessions.open(0, 0, {}, {});
  EXPECT_EQ(sessions.open(opened.id, 2, {}, {}).code, errc::invalid_fetch_session_epoch);
  EXPECT_EQ(sessions.open(opened.id + 1, 1, {}, {}).code, errc::fetch_session_id_not_found);
  EXPECT_EQ(sessions.open(opened.id, -1, {wanted("a", 0)}, {}).id, 0);
  EXPECT_EQ(sessions.open(opened.id, 1, {}, {}).code, errc::fetch_session_id_not_found);
}

}  // namespace
}  // namespace moldau::testing::fake
