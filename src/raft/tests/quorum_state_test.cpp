#include "raft/quorum_state.hpp"

#include <gtest/gtest.h>

namespace moldau::raft {
namespace {

constexpr std::string_view kafka_v1 =
    R"({"leaderId":1,"leaderEpoch":2,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})";
constexpr std::string_view kafka_v0 =
    R"({"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],)"
    R"("data_version":0})";

TEST(QuorumState, PrintsVersion1AsKafkaWritesIt) {
  const quorum_state state{.leader = broker_id(1), .epoch = leader_epoch(2)};
  EXPECT_EQ(print_quorum_state(state, 1), kafka_v1);
}

TEST(QuorumState, PrintsVersion0AsKafkaWritesIt) {
  const quorum_state state{.leader = broker_id(1), .epoch = leader_epoch(1), .voters = {broker_id(1)}};
  EXPECT_EQ(print_quorum_state(state, 0), kafka_v0);
}

TEST(QuorumState, ReadsBothVersions) {
  const auto v1 = parse_quorum_state(kafka_v1);
  ASSERT_TRUE(v1);
  EXPECT_EQ(*v1, (quorum_state{.leader = broker_id(1), .epoch = leader_epoch(2)}));
  const auto v0 = parse_quorum_state(kafka_v0);
  ASSERT_TRUE(v0);
  EXPECT_EQ(*v0, (quorum_state{.leader = broker_id(1), .epoch = leader_epoch(1), .voters = {broker_id(1)}}));
}

TEST(QuorumState, RefusesWhatIsNoElection) {
  for (const std::string_view text :
       {"", "[]", "{", R"({"leaderId":1})", R"({"leaderId":1,"leaderEpoch":1,"data_version":7})",
        R"({"leaderId":"1","leaderEpoch":1,"votedId":-1,"data_version":0})",
        R"({"leaderId":1,"leaderEpoch":99999999999,"votedId":-1,"data_version":0})",
        R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"short","data_version":1})"}) {
    const auto state = parse_quorum_state(text);
    ASSERT_FALSE(state) << text;
    EXPECT_EQ(state.error().code, errc::malformed) << text;
  }
}

}  // namespace
}  // namespace moldau::raft
