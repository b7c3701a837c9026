#include "raft/quorum.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "files.hpp"
#include "wire/arena.hpp"
#include "wire/protocol/describe_quorum_request.hpp"
#include "wire/protocol/describe_quorum_response.hpp"
#include "wire/record_batch.hpp"

namespace moldau::raft {
namespace {

constexpr std::int64_t now_ms = 1'795'550'955'724;

control_state formatted() {
  control_state out;
  out.observe(*read_snapshot(bootstrap_snapshot_id, kafka_file("standalone-0-0.checkpoint"),
                             [](bytes_view) -> result<void> { return {}; }));
  return out;
}

quorum_options standalone_options() {
  return {.self = {.id = broker_id(1), .directory = *uuid::parse("Y8b8PKVSQHK2M_T8Ct7fJw")},
          .endpoints = {{.name = "CONTROLLER", .host = "127.0.0.1", .port = 19093}}};
}

std::vector<shared_bytes> records_of(std::initializer_list<std::string_view> texts) {
  std::vector<shared_bytes> out;
  for (const auto text : texts) out.push_back(shared_bytes::copy_of(as_bytes(text)));
  return out;
}

/// A quorum that leads, with its first batch committed.
quorum leading() {
  quorum out(standalone_options());
  EXPECT_TRUE(out.start(std::nullopt, {}, formatted(), now_ms));
  EXPECT_EQ(out.log_synced(out.end_offset()).high_watermark, out.end_offset());
  return out;
}

TEST(QuorumOfOne, ElectsItselfAndWritesTheFirstBatchThatKafkaWrites) {
  quorum q(standalone_options());
  const auto kafkas = kafka_file("first-batch.log");
  const auto out = q.start(std::nullopt, {}, formatted(), wire::batch_view(kafkas).max_timestamp_ms());
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(out->became_leader);
  EXPECT_EQ(out->quorum_state, R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,)"
                               R"("votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})");
  ASSERT_EQ(out->appends.size(), 1U);
  EXPECT_EQ(as_text(out->appends[0]), as_text(kafkas));
  EXPECT_EQ(q.end_offset(), offset(3));
}

TEST(QuorumOfOne, LeadsTheNextEpochAfterARestartAndWritesVotersOnlyOnce) {
  control_state control = formatted();
  ASSERT_TRUE(control.observe_batch(kafka_file("first-batch.log")));
  quorum q(standalone_options());
  const quorum_state before{.leader = broker_id(1), .epoch = leader_epoch(4)};
  const auto out = q.start(before, {.end = offset(10), .epoch = leader_epoch(4)}, control, now_ms);
  ASSERT_TRUE(out);
  EXPECT_EQ(q.epoch(), leader_epoch(5));
  EXPECT_EQ(q.end_offset(), offset(11));
  const wire::batch_view batch(out->appends.at(0));
  EXPECT_EQ(batch.base_offset(), offset(10));
  EXPECT_EQ(batch.leader_epoch(), leader_epoch(5));
  EXPECT_EQ(batch.record_count(), 1);
}

TEST(QuorumOfOne, NeverUsesAnEpochOfTheLogAgainWhenQuorumStateIsLost) {
  quorum q(standalone_options());
  ASSERT_TRUE(q.start(std::nullopt, {.end = offset(10), .epoch = leader_epoch(7)}, formatted(), now_ms));
  EXPECT_EQ(q.epoch(), leader_epoch(8));
}

TEST(QuorumOfOne, WritesItsVoterAgainWhenItsListenerHasMoved) {
  control_state control = formatted();
  ASSERT_TRUE(control.observe_batch(kafka_file("first-batch.log")));
  quorum_options options = standalone_options();
  options.endpoints[0].port = 9093;
  quorum q(options);
  const auto out = q.start(std::nullopt, {.end = offset(3), .epoch = leader_epoch(1)}, control, now_ms);
  ASSERT_TRUE(out);
  EXPECT_EQ(wire::batch_view(out->appends.at(0)).record_count(), 3);
  EXPECT_EQ(q.voters().find(broker_id(1))->endpoints[0].port, 9093);
}

TEST(QuorumOfOne, TakesConfiguredVotersAtKraftVersion0) {
  quorum_options options = standalone_options();
  options.static_voters = *voter_set::parse("1@127.0.0.1:19093", "CONTROLLER");
  quorum q(options);
  const auto out = q.start(std::nullopt, {}, {}, now_ms);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->quorum_state, R"({"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,)"
                               R"("currentVoters":[{"voterId":1}],"data_version":0})");
  EXPECT_EQ(q.end_offset(), offset(1));
}

TEST(QuorumOfOne, RefusesToLeadAQuorumThatItIsNotTheOnlyVoterOf) {
  quorum_options options = standalone_options();
  options.static_voters = *voter_set::parse("1@a:1,2@b:1,3@c:1", "CONTROLLER");
  const auto several = quorum(options).start(std::nullopt, {}, {}, now_ms);
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().code, errc::unsupported_version);

  quorum_options other = standalone_options();
  other.self.directory = uuid{};
  const auto foreign = quorum(other).start(std::nullopt, {}, formatted(), now_ms);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, errc::invalid_argument);
}

TEST(QuorumOfOne, HasNoHighWatermarkBeforeItsOwnEpochIsSynced) {
  quorum q(standalone_options());
  ASSERT_TRUE(q.start(std::nullopt, {.end = offset(10), .epoch = leader_epoch(2)}, formatted(), now_ms));
  EXPECT_FALSE(q.log_synced(offset(10)).high_watermark);
  EXPECT_FALSE(q.high_watermark());
  const auto synced = q.log_synced(q.end_offset());
  EXPECT_EQ(synced.high_watermark, q.end_offset());
  EXPECT_EQ(synced.committed.size(), 1U);
}

TEST(QuorumOfOne, CommitsABatchOnceItIsSynced) {
  quorum q = leading();
  const offset before = q.end_offset();
  const auto a = q.append(records_of({"x", "y"}), now_ms);
  const auto b = q.append(records_of({"z"}), now_ms);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->first, before);
  EXPECT_EQ(a->last, before + 1);
  EXPECT_EQ(b->first, before + 2);
  EXPECT_TRUE(q.log_synced(before + 1).committed.empty()) << "half a batch is no batch";
  EXPECT_EQ(q.log_synced(before + 2).committed.size(), 1U);
  EXPECT_EQ(q.log_synced(before + 3).committed.size(), 1U);
  EXPECT_FALSE(q.log_synced(before + 3).high_watermark);
}

TEST(QuorumOfOne, SplitsWhatIsTooLargeForOneBatch) {
  quorum q = leading();
  const std::string large(3'500'000, 'x');
  const auto out = q.append(records_of({large, large, large}), now_ms);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->effects.appends.size(), 2U);
  EXPECT_EQ(wire::batch_view(out->effects.appends[1]).base_offset(), out->first + 2);
}

TEST(QuorumOfOne, DescribesItself) {
  quorum q = leading();
  wire::protocol::describe_quorum_request request;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = "__cluster_metadata";
  topic.partitions.emplace_back();
  request.topics.emplace_back().topic_name = "other";
  request.topics[1].partitions.emplace_back();
  wire::arena arena;
  const auto out = q.describe(request, 99, arena);
  ASSERT_EQ(out.topics.size(), 2U);
  const auto& p = out.topics[0].partitions.at(0);
  EXPECT_EQ(p.error_code, errc::none);
  EXPECT_EQ(p.leader_id, broker_id(1));
  EXPECT_EQ(p.high_watermark, offset(3));
  ASSERT_EQ(p.current_voters.size(), 1U);
  EXPECT_EQ(p.current_voters[0].log_end_offset, offset(3));
  EXPECT_EQ(p.current_voters[0].last_fetch_timestamp, 99);
  EXPECT_EQ(out.topics[1].partitions.at(0).error_code, errc::unknown_topic_or_partition);
  ASSERT_EQ(out.nodes.size(), 1U);
  EXPECT_EQ(out.nodes[0].listeners.at(0).port, 19093);
}

TEST(VoterSet, ReadsControllerQuorumVoters) {
  const auto voters = voter_set::parse("3@[::1]:9093,1@host:19093", "C");
  ASSERT_TRUE(voters);
  EXPECT_EQ(voters->find(broker_id(3))->endpoints[0].host, "::1");
  EXPECT_EQ(voters->begin()->key.id, broker_id(1));
  for (const char* bad : {"1", "1@host", "@host:1", "1@:1", "x@host:1", "1@host:99999", "-1@host:1"}) {
    EXPECT_FALSE(voter_set::parse(bad, "C")) << bad;
  }
}

}  // namespace
}  // namespace moldau::raft
