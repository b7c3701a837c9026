#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/tests/broker_fixture.hpp"
#include "wire/protocol/delete_groups_request.hpp"
#include "wire/protocol/delete_groups_response.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"
#include "wire/protocol/describe_groups_request.hpp"
#include "wire/protocol/describe_groups_response.hpp"
#include "wire/protocol/find_coordinator_request.hpp"
#include "wire/protocol/find_coordinator_response.hpp"
#include "wire/protocol/heartbeat_request.hpp"
#include "wire/protocol/heartbeat_response.hpp"
#include "wire/protocol/join_group_request.hpp"
#include "wire/protocol/join_group_response.hpp"
#include "wire/protocol/list_groups_request.hpp"
#include "wire/protocol/list_groups_response.hpp"
#include "wire/protocol/offset_commit_request.hpp"
#include "wire/protocol/offset_commit_response.hpp"
#include "wire/protocol/offset_fetch_request.hpp"
#include "wire/protocol/offset_fetch_response.hpp"
#include "wire/protocol/sync_group_request.hpp"
#include "wire/protocol/sync_group_response.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using testing::broker_fixture;
using testing::test_client;
namespace protocol = wire::protocol;
namespace sim = moldau::testing::sim;

class GroupsTest : public broker_fixture {
 protected:
  void start_with_topic(std::string_view properties = "group.initial.rebalance.delay.ms=0\n") {
    start(properties);
    ASSERT_EQ(create_topic("orders", 2), errc::none);
    ASSERT_EQ(find("g").error_code, errc::none);
  }

  struct found {
    errc error_code = errc::none;
    std::string host;
    std::int32_t port = 0;
    std::string message;
  };
  found find(std::string_view key, std::int8_t type = 0) {
    protocol::find_coordinator_request request;
    request.key_type = type;
    request.coordinator_keys = {key};
    const auto reply = ask<protocol::find_coordinator_response>(request, 6);
    const auto& one = reply.message.coordinators.front();
    return {one.error_code, std::string(one.host), one.port, std::string(one.error_message.value_or(""))};
  }

  static protocol::join_group_request join_request(std::string_view group, std::string_view member) {
    protocol::join_group_request request;
    request.group_id = group;
    request.session_timeout_ms = 6000;
    request.rebalance_timeout_ms = 30'000;
    request.member_id = member;
    request.protocol_type = "consumer";
    request.protocols.push_back({.name = "range", .metadata = as_bytes("m")});
    return request;
  }
  /// A member of generation 1, alone, with its assignment.
  std::string join_alone(std::string_view group) {
    std::string id(ask<protocol::join_group_response>(join_request(group, ""), 9).message.member_id);
    EXPECT_EQ(ask<protocol::join_group_response>(join_request(group, id), 9).message.error_code, errc::none);
    protocol::sync_group_request sync;
    sync.group_id = group;
    sync.member_id = id;
    sync.generation_id = 1;
    sync.protocol_type = "consumer";
    sync.protocol_name = "range";
    sync.assignments.push_back({.member_id = id, .assignment = as_bytes("all of it")});
    const auto reply = ask<protocol::sync_group_response>(sync, 5);
    EXPECT_EQ(reply.message.error_code, errc::none);
    EXPECT_EQ(as_text(reply.message.assignment), "all of it");
    return id;
  }

  static protocol::offset_commit_request commit_request(std::string_view group, std::string_view member,
                                                        std::int32_t generation, std::int64_t at) {
    protocol::offset_commit_request request;
    request.group_id = group;
    request.member_id = member;
    request.generation_id_or_member_epoch = generation;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = partition_id(1);
    partition.committed_offset = offset(at);
    partition.committed_metadata = "so far";
    return request;
  }
  errc commit(std::string_view group, std::string_view member, std::int32_t generation, std::int64_t at) {
    const auto reply = ask<protocol::offset_commit_response>(commit_request(group, member, generation, at), 9);
    return reply.message.topics.front().partitions.front().error_code;
  }

  /// Asks until the broker is there and has loaded its groups.
  static rt::task<std::int64_t> committed_offset(GroupsTest& test, std::string group) {
    protocol::offset_fetch_request request;
    auto& of = request.groups.emplace_back();
    of.group_id = group;
    auto& topic = of.topics.emplace().emplace_back();
    topic.name = "orders";
    topic.partition_indexes.push_back(partition_id(1));
    for (;;) {
      auto reply = co_await test.call<protocol::offset_fetch_response>(request, 9);
      if (reply && reply->message.groups.front().error_code == errc::none) {
        co_return reply->message.groups.front().topics.front().partitions.front().committed_offset.value();
      }
      co_await test.client_.core().sleep_for(100ms);
    }
  }
  std::int64_t committed(std::string group) { return on_client(committed_offset(*this, std::move(group))); }

  std::string state_of(std::string_view group) {
    protocol::describe_groups_request request;
    request.groups = {group};
    return std::string(ask<protocol::describe_groups_response>(request, 5).message.groups.front().group_state);
  }
  errc heartbeat(std::string_view group, std::string_view member, std::int32_t generation) {
    protocol::heartbeat_request request;
    request.group_id = group;
    request.member_id = member;
    request.generation_id = generation;
    return ask<protocol::heartbeat_response>(request, 4).message.error_code;
  }
};

TEST_F(GroupsTest, FindingACoordinatorMakesItsTopic) {
  start("offsets.topic.num.partitions=4\n");
  const auto first = find("g");
  EXPECT_EQ(first.error_code, errc::none);
  EXPECT_EQ(first.host, "broker");
  EXPECT_EQ(first.port, 9092);
}

TEST_F(GroupsTest, NoTopicMeansNoCoordinator) {
  start();
  EXPECT_EQ(heartbeat("g", "m", 1), errc::not_coordinator);
}

TEST_F(GroupsTest, OtherCoordinatorsArentBuilt) {
  start();
  EXPECT_EQ(find("t", 1).error_code, errc::unsupported_version);
  EXPECT_FALSE(find("t", 1).message.empty());
  EXPECT_EQ(find("s", 2).error_code, errc::unsupported_version);
  EXPECT_EQ(find("x", 9).error_code, errc::invalid_request);
}

TEST_F(GroupsTest, AMemberJoinsCommitsAndReadsBack) {
  start_with_topic();
  const std::string member = join_alone("g");
  EXPECT_EQ(heartbeat("g", member, 1), errc::none);
  EXPECT_EQ(commit("g", member, 1, 7), errc::none);
  EXPECT_EQ(committed("g"), 7);
  EXPECT_EQ(state_of("g"), "Stable");
}

TEST_F(GroupsTest, GroupsOnBothCoresAreServedFromEitherConnection) {
  start_with_topic();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(commit("group-" + std::to_string(i), "", -1, i), errc::none);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(committed("group-" + std::to_string(i)), i);
  const auto listed = ask<protocol::list_groups_response>(protocol::list_groups_request{}, 5);
  EXPECT_EQ(listed.message.groups.size(), 20U);
}

TEST_F(GroupsTest, CommitsSurviveAPowerCutOnceAnswered) {
  start_with_topic();
  const std::string member = join_alone("g");
  ASSERT_EQ(commit("g", member, 1, 7), errc::none);
  broker_.crash(sim::power_cut::lose_all());
  broker_.restart();
  EXPECT_EQ(committed("g"), 7);
  EXPECT_EQ(heartbeat("g", member, 1), errc::none);
  EXPECT_EQ(commit("g", member, 1, 8), errc::none);
  EXPECT_EQ(committed("g"), 8);
}

TEST_F(GroupsTest, ASessionEndsByTheBrokersOwnClock) {
  start_with_topic();
  join_alone("g");
  world_.run_for(5s);
  EXPECT_EQ(state_of("g"), "Stable");
  world_.run_for(2s);
  EXPECT_EQ(state_of("g"), "Empty");
}

TEST_F(GroupsTest, AStopAnswersParkedJoinsAndEndsAtOnce) {
  start_with_topic("group.initial.rebalance.delay.ms=3600000\n");
  const std::string id(ask<protocol::join_group_response>(join_request("g", ""), 9).message.member_id);
  std::optional<errc> code;
  client_.spawn([](GroupsTest& test, std::string member, std::optional<errc>& into) -> rt::task<void> {
    auto request = join_request("g", member);
    request.rebalance_timeout_ms = 7'200'000;
    auto reply = co_await test.call<protocol::join_group_response>(request, 9);
    into = reply ? reply->message.error_code : reply.error().code;
  }(*this, id, code));
  world_.run_for(1s);
  ASSERT_FALSE(code);
  begin_stop();
  EXPECT_TRUE(world_.run_until([&] { return !broker_.running(); }, 2s)) << world_.report();
  EXPECT_EQ(code, errc::not_coordinator);
}

TEST_F(GroupsTest, ADeletedTopicTakesItsOffsetsAlong) {
  start_with_topic();
  ASSERT_EQ(commit("g", "", -1, 7), errc::none);
  protocol::delete_topics_request request;
  request.topics.emplace_back().name = "orders";
  request.timeout_ms = 1000;
  ASSERT_EQ(ask<protocol::delete_topics_response>(request, 6).message.responses.front().error_code, errc::none);
  protocol::offset_fetch_request all;
  auto& of = all.groups.emplace_back();
  of.group_id = "g";
  of.topics = std::nullopt;
  EXPECT_TRUE(ask<protocol::offset_fetch_response>(all, 9).message.groups.front().topics.empty());
}

TEST_F(GroupsTest, ADeletedGroupIsGoneAfterARestartToo) {
  start_with_topic();
  ASSERT_EQ(commit("g", "", -1, 7), errc::none);
  protocol::delete_groups_request request;
  request.groups_names = {"g"};
  ASSERT_EQ(ask<protocol::delete_groups_response>(request, 2).message.results.front().error_code, errc::none);
  broker_.crash(sim::power_cut::lose_all());
  broker_.restart();
  EXPECT_EQ(committed("g"), -1);
  EXPECT_EQ(state_of("g"), "Dead");
}

class GroupsCodecTest : public GroupsTest, public ::testing::WithParamInterface<int> {};

TEST_P(GroupsCodecTest, OffsetsAreReadBackAfterARestart) {
  start_with_topic("offsets.topic.compression.codec=" + std::to_string(GetParam()) + "\n");
  ASSERT_EQ(commit("g", "", -1, 7), errc::none);
  broker_.crash(sim::power_cut::lose_all());
  broker_.restart();
  EXPECT_EQ(committed("g"), 7);
}

INSTANTIATE_TEST_SUITE_P(EveryCodec, GroupsCodecTest, ::testing::Values(1, 2, 3, 4));

TEST_F(GroupsTest, ASecondMemberMakesTheFirstJoinAgain) {
  start_with_topic();
  const std::string first = join_alone("g");
  const std::string second(ask<protocol::join_group_response>(join_request("g", ""), 9).message.member_id);
  std::optional<std::int32_t> generation;
  client_.spawn([](GroupsTest& test, std::string member, std::optional<std::int32_t>& into) -> rt::task<void> {
    auto reply = co_await test.call<protocol::join_group_response>(join_request("g", member), 9);
    into = reply ? reply->message.generation_id : -2;
  }(*this, second, generation));
  world_.run_for(1s);
  EXPECT_FALSE(generation);
  EXPECT_EQ(heartbeat("g", first, 1), errc::rebalance_in_progress);
  EXPECT_EQ(commit("g", first, 1, 9), errc::none);
  const auto again = ask<protocol::join_group_response>(join_request("g", first), 9);
  EXPECT_EQ(again.message.generation_id, 2);
  EXPECT_EQ(again.message.leader, first);
  EXPECT_EQ(again.message.members.size(), 2U);
  EXPECT_TRUE(world_.run_until([&] { return generation.has_value(); }, 1s));
  EXPECT_EQ(generation, 2);
}

TEST_F(GroupsTest, OneThatIsDescribedAgainAndAgainFillsNoMoreThanAnAnswer) {
  start_with_topic("group.initial.rebalance.delay.ms=0\nsocket.request.max.bytes=10000\n");
  join_alone("g");
  protocol::describe_groups_request request;
  request.groups.assign(100, "g");
  const auto reply = ask<protocol::describe_groups_response>(request, 6);
  ASSERT_EQ(reply.message.groups.size(), 100U);
  EXPECT_EQ(reply.message.groups.front().error_code, errc::none);
  EXPECT_EQ(reply.message.groups.back().error_code, errc::invalid_request);
  EXPECT_TRUE(reply.message.groups.back().members.empty());
}

TEST_F(GroupsTest, OffsetsThatAreFetchedAgainAndAgainFillNoMoreThanAnAnswer) {
  start_with_topic("group.initial.rebalance.delay.ms=0\nsocket.request.max.bytes=10000\n");
  ASSERT_EQ(commit("g", "", -1, 5), errc::none);
  protocol::offset_fetch_request request;
  for (int i = 0; i < 100; ++i) {
    auto& group = request.groups.emplace_back();
    group.group_id = "g";
    group.topics = std::nullopt;
  }
  const auto reply = ask<protocol::offset_fetch_response>(request, 9);
  ASSERT_EQ(reply.message.groups.size(), 100U);
  EXPECT_EQ(reply.message.groups.front().topics.size(), 1U);
  EXPECT_EQ(reply.message.groups.back().error_code, errc::invalid_request);
}

TEST_F(GroupsTest, UnknownPartitionsAreNotCommitted) {
  start_with_topic();
  auto request = commit_request("g", "", -1, 7);
  request.topics.front().partitions.front().partition_index = partition_id(9);
  request.topics.emplace_back(request.topics.front()).name = "nothing";
  const auto reply = ask<protocol::offset_commit_response>(request, 9);
  for (const auto& topic : reply.message.topics) {
    EXPECT_EQ(topic.partitions.front().error_code, errc::unknown_topic_or_partition);
  }
}

}  // namespace
}  // namespace moldau::broker
