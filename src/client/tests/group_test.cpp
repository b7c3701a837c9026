#include <gtest/gtest.h>

#include "client/group_member.hpp"
#include "client/group_protocol.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using step = group_member::step;

std::vector<topic_partition> of(std::string topic, std::initializer_list<int> partitions) {
  std::vector<topic_partition> out;
  for (const int p : partitions) out.push_back({topic, partition_id(p)});
  return out;
}

TEST(ConsumerProtocol, SubscriptionsAndAssignmentsComeBack) {
  const member_subscription said{.topics = {"a", "b"}, .owned = of("a", {0, 2}), .generation = 4, .rack = "r"};
  const auto heard = decode_subscription(encode_subscription(said));
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->topics, said.topics);
  EXPECT_EQ(heard->owned, said.owned);
  EXPECT_EQ(heard->rack, "r");
  EXPECT_EQ(decode_assignment(encode_assignment(of("x", {1, 3}))).value(), of("x", {1, 3}));
  EXPECT_TRUE(decode_assignment({}).value().empty());
  EXPECT_FALSE(decode_subscription(as_bytes("\xff\xffgarbage")));
}

TEST(RangeAssignor, GivesTheFirstMembersOneMore) {
  const auto member = [](std::string id, std::vector<std::string> topics) {
    return group_member_view{.id = std::move(id), .instance_id = {}, .subscription = {.topics = std::move(topics)}};
  };
  const auto shares =
      assign_range({member("c", {"t"}), member("a", {"t", "u"}), member("b", {"t"})}, {{"t", 7}, {"u", 2}});
  EXPECT_EQ(shares.at("a"), (std::vector<topic_partition>{{"t", partition_id(0)},
                                                          {"t", partition_id(1)},
                                                          {"t", partition_id(2)},
                                                          {"u", partition_id(0)},
                                                          {"u", partition_id(1)}}));
  EXPECT_EQ(shares.at("b"), of("t", {3, 4}));
  EXPECT_EQ(shares.at("c"), of("t", {5, 6}));
}

struct GroupMember : ::testing::Test {
  group_member member{{.heartbeat_interval = 3s, .session_timeout = 10s, .max_poll_interval = 60s}};
  rt::time_point now{1h};

  void become_stable() {
    ASSERT_EQ(member.next(now), step::join);
    member.sent(step::join, now);
    ASSERT_TRUE(member.on_join(errc::none, "m", 1, true, now));
    member.sent(step::sync, now);
    ASSERT_TRUE(member.on_sync(errc::none, now));
    ASSERT_TRUE(member.is_stable());
  }
};

TEST_F(GroupMember, JoinsAgainUnderTheIdThatItIsGiven) {
  member.sent(step::join, now);
  EXPECT_EQ(member.next(now), step::nothing);
  ASSERT_TRUE(member.on_join(errc::member_id_required, "given", -1, false, now));
  EXPECT_EQ(member.next(now), step::join);
  EXPECT_EQ(member.member_id(), "given");
}

TEST_F(GroupMember, BeatsAtItsInterval) {
  become_stable();
  EXPECT_EQ(member.next(now), step::nothing);
  EXPECT_EQ(member.wake_at(now), now + 3s);
  now += 3s;
  EXPECT_EQ(member.next(now), step::heartbeat);
  member.sent(step::heartbeat, now);
  ASSERT_TRUE(member.on_heartbeat(errc::none, now));
  EXPECT_EQ(member.next(now), step::nothing);
}

TEST_F(GroupMember, RejoinsUnderItsIdWhenTheGroupRebalances) {
  become_stable();
  ASSERT_TRUE(member.on_heartbeat(errc::rebalance_in_progress, now));
  EXPECT_EQ(member.next(now), step::join);
  EXPECT_EQ(member.member_id(), "m");
  EXPECT_FALSE(member.lost());
}

TEST_F(GroupMember, HasLostItsPartitionsWhenTheGroupForgotIt) {
  become_stable();
  ASSERT_TRUE(member.on_heartbeat(errc::unknown_member_id, now));
  EXPECT_EQ(member.next(now), step::join);
  EXPECT_EQ(member.member_id(), "");
  EXPECT_TRUE(member.lost());
}

TEST_F(GroupMember, LosesThemAlsoWhenNobodyAnswersForASession) {
  become_stable();
  member.on_unreachable(now + 5s, now + 6s);
  EXPECT_TRUE(member.is_stable());
  member.on_unreachable(now + 11s, now + 12s);
  EXPECT_FALSE(member.is_stable());
  EXPECT_TRUE(member.lost());
  EXPECT_EQ(member.next(now + 11s), step::nothing);
  EXPECT_EQ(member.next(now + 12s), step::join);
}

TEST_F(GroupMember, LeavesWhenItsApplicationStopsPolling) {
  become_stable();
  now += 61s;
  EXPECT_EQ(member.next(now), step::leave);
  member.on_left();
  EXPECT_EQ(member.next(now), step::nothing);
  member.polled(now);
  EXPECT_EQ(member.next(now), step::join);
}

TEST_F(GroupMember, FailsWithWhatAnotherAttemptCannotMend) {
  member.sent(step::join, now);
  const auto joined = member.on_join(errc::inconsistent_group_protocol, "", -1, false, now);
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, errc::inconsistent_group_protocol);
}

}  // namespace
}  // namespace moldau::client
