#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "broker/tests/broker_fixture.hpp"
#include "raft/snapshot.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/protocol/fetch_snapshot_request.hpp"
#include "wire/protocol/fetch_snapshot_response.hpp"
#include "wire/record_batch.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
using testing::broker_fixture;
using testing::test_client;
namespace protocol = wire::protocol;

constexpr std::uint16_t controller_port = 9093;
constexpr std::int16_t newest_fetch = 18;

/// Reads the metadata log over the controller's listener, as Kafka's brokers and tools do.
class MetadataLogTest : public broker_fixture {
 public:
  using fetched = test_client::reply<protocol::fetch_response>;
  using snapshot_piece = test_client::reply<protocol::fetch_snapshot_response>;

  /// `properties` on top of a controller that writes nothing by itself.
  void start(std::string_view properties = {}) {
    broker_fixture::start("metadata.max.idle.interval.ms=0\n" + std::string(properties));
    epoch_ = fetch(at(0, 0, 0)).message.responses.front().partitions.front().current_leader.leader_epoch;
    EXPECT_GT(epoch_, leader_epoch(0));
  }
  /// A request by one who knows of epoch `current`.
  static protocol::fetch_request at(std::int64_t from, std::int32_t last_epoch, std::int32_t current) {
    protocol::fetch_request out;
    out.max_bytes = 8 << 20;
    auto& topic = out.topics.emplace_back();
    topic.topic_id = metadata_topic_id;
    auto& partition = topic.partitions.emplace_back();
    partition.fetch_offset = offset(from);
    partition.last_fetched_epoch = leader_epoch(last_epoch);
    partition.current_leader_epoch = leader_epoch(current);
    return out;
  }
  protocol::fetch_request at(std::int64_t from, std::int32_t last_epoch) const {
    return at(from, last_epoch, epoch_.value());
  }
  fetched fetch(const protocol::fetch_request& request, std::int16_t version = newest_fetch) {
    return ask<protocol::fetch_response>(request, version, controller_port);
  }
  static const protocol::fetch_response::partition_data& partition_of(const fetched& from) {
    return from.message.responses.front().partitions.front();
  }
  errc error_of(const protocol::fetch_request& request) { return partition_of(fetch(request)).error_code; }
  offset high_watermark() { return partition_of(fetch(at(0, 0))).high_watermark; }
  protocol::fetch_request at_the_end() { return at(high_watermark().value(), epoch_.value()); }

  protocol::fetch_snapshot_request piece_of(raft::snapshot_id id, std::int64_t position) const {
    protocol::fetch_snapshot_request out;
    auto& topic = out.topics.emplace_back();
    topic.name = "__cluster_metadata";
    auto& partition = topic.partitions.emplace_back();
    partition.current_leader_epoch = epoch_;
    partition.snapshot_id = {.end_offset = id.end_offset, .epoch = id.epoch};
    partition.position = position;
    return out;
  }
  snapshot_piece fetch_snapshot(const protocol::fetch_snapshot_request& request, std::int16_t version = 1) {
    return ask<protocol::fetch_snapshot_response>(request, version, controller_port);
  }
  static const protocol::fetch_snapshot_response::partition_snapshot& partition_of(const snapshot_piece& from) {
    return from.message.topics.front().partitions.front();
  }
  errc error_of(const protocol::fetch_snapshot_request& request) {
    return partition_of(fetch_snapshot(request)).error_code;
  }
  /// Makes topics until the log begins with a snapshot.
  raft::snapshot_id newest_snapshot() {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(create_topic("topic-" + std::to_string(i), 5), errc::none);
    world_.run_for(1s);
    const auto told = fetch(at(0, 0));
    return {.end_offset = partition_of(told).snapshot_id.end_offset, .epoch = partition_of(told).snapshot_id.epoch};
  }

  static constexpr std::string_view many_snapshots =
      "metadata.log.max.record.bytes.between.snapshots=500\nmetadata.max.retention.bytes=1000\n";
  leader_epoch epoch_;
};

TEST_F(MetadataLogTest, IsGivenAsFarAsItIsCommitted) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const auto all = fetch(at(0, 0));
  EXPECT_EQ(all.message.error_code, errc::none);
  EXPECT_EQ(all.message.responses.front().topic_id, metadata_topic_id);
  const auto& partition = partition_of(all);
  EXPECT_EQ(partition.error_code, errc::none);
  EXPECT_EQ(partition.log_start_offset, offset(0));
  EXPECT_EQ(partition.current_leader.leader_id, broker_id(1));
  EXPECT_EQ(partition.diverging_epoch.epoch, no_leader_epoch);
  EXPECT_EQ(partition.snapshot_id.end_offset, no_offset);
  wire::batch_iterator batches(partition.records.bytes());
  offset next{0};
  for (;;) {
    const auto batch = batches.next();
    ASSERT_TRUE(batch);
    if (!*batch) break;
    EXPECT_EQ((*batch)->base_offset(), next);
    next = (*batch)->next_offset();
  }
  EXPECT_EQ(partition.high_watermark, next);
  EXPECT_GT(next, offset(10));

  const auto rest = fetch(at(next.value() - 1, epoch_.value()));
  EXPECT_GT(partition_of(rest).records.size(), 0U);
  EXPECT_LT(partition_of(rest).records.size(), partition.records.size());
}

TEST_F(MetadataLogTest, TellsWhereItsLeaderIs) {
  start();
  const auto told = fetch(at(0, 0));
  ASSERT_EQ(told.message.node_endpoints.size(), 1U);
  EXPECT_EQ(told.message.node_endpoints.front().node_id, broker_id(1));
  EXPECT_EQ(told.message.node_endpoints.front().host, "broker");
  EXPECT_EQ(told.message.node_endpoints.front().port, controller_port);
  EXPECT_TRUE(fetch(at(0, 0), 16).message.node_endpoints.empty());
}

TEST_F(MetadataLogTest, AnswersOnlyThoseWhoKnowTheLeadersEpoch) {
  start();
  EXPECT_EQ(error_of(at(0, 0, epoch_.value() - 1)), errc::fenced_leader_epoch);
  EXPECT_EQ(error_of(at(0, 0, epoch_.value() + 1)), errc::unknown_leader_epoch);
  const auto fenced = fetch(at(0, 0, 0));
  EXPECT_EQ(partition_of(fenced).current_leader.leader_epoch, epoch_);
  EXPECT_EQ(partition_of(fenced).high_watermark, no_offset);
  EXPECT_EQ(partition_of(fenced).records.size(), 0U);
}

TEST_F(MetadataLogTest, RefusesWhatIsNoFetchOfIt) {
  start();
  auto request = at(0, 0);
  request.cluster_id = "another";
  EXPECT_EQ(fetch(request).message.error_code, errc::inconsistent_cluster_id);
  request = at(0, 0);
  request.topics.front().partitions.front().partition = partition_id(1);
  EXPECT_EQ(fetch(request).message.error_code, errc::invalid_request);
  request = at(0, 0);
  request.topics.push_back(request.topics.front());
  EXPECT_EQ(fetch(request).message.error_code, errc::invalid_request);
  request = at(0, 0);
  request.topics.front().topic_id = topic_id(uuid(std::array<std::byte, 16>{std::byte{1}}));
  EXPECT_EQ(fetch(request).message.error_code, errc::invalid_request);
  EXPECT_EQ(error_of(at(-1, 0)), errc::invalid_request);
  EXPECT_EQ(error_of(at(0, -1)), errc::invalid_request);
  EXPECT_EQ(error_of(at(0, epoch_.value() + 1)), errc::invalid_request);
}

TEST_F(MetadataLogTest, IsOnlyOnTheControllersListener) {
  start();
  const auto told = ask<protocol::fetch_response>(at(0, 0), newest_fetch);
  EXPECT_EQ(partition_of(told).error_code, errc::unknown_topic_id);
  EXPECT_TRUE(is_closed_by<protocol::fetch_snapshot_response>(piece_of({}, 0), 1));
}

TEST_F(MetadataLogTest, TellsAReaderFromAnotherHistoryWhereToGoBackTo) {
  start();
  const offset end = high_watermark();
  const auto told = fetch(at(end.value() + 5, epoch_.value()));
  EXPECT_EQ(partition_of(told).error_code, errc::none);
  EXPECT_EQ(partition_of(told).diverging_epoch.end_offset, end);
  EXPECT_EQ(partition_of(told).diverging_epoch.epoch, epoch_);
}

TEST_F(MetadataLogTest, LetsAReaderWaitForWhatIsNew) {
  start();
  auto request = at_the_end();
  request.max_wait_ms = 30'000;
  std::optional<std::size_t> got;
  client_.spawn([](MetadataLogTest& test, const protocol::fetch_request& what,
                   std::optional<std::size_t>& into) -> rt::task<void> {
    auto reply = co_await test.call<protocol::fetch_response>(what, newest_fetch, controller_port);
    into = reply ? partition_of(*reply).records.size() : 0;
  }(*this, request, got));
  world_.run_for(1s);
  ASSERT_FALSE(got);
  ASSERT_EQ(create_topic("orders"), errc::none);
  ASSERT_TRUE(world_.run_until([&] { return got.has_value(); }, 1s));
  EXPECT_GT(*got, 0U);
}

TEST_F(MetadataLogTest, LetsAReaderWaitNoLongerThanItWants) {
  start();
  auto request = at_the_end();
  request.max_wait_ms = 3000;
  const rt::duration begun = world_.now();
  const auto told = fetch(request);
  EXPECT_EQ(partition_of(told).error_code, errc::none);
  EXPECT_EQ(partition_of(told).records.size(), 0U);
  EXPECT_GE(world_.now() - begun, 3s);
}

TEST_F(MetadataLogTest, TellsTheHighWatermarkAtOnceToThoseWhoDoNotKnowIt) {
  start();
  auto request = at_the_end();
  request.max_wait_ms = 30'000;
  auto& known = request.topics.front().partitions.front().high_watermark;
  const offset now = high_watermark();
  known = now - 1;
  const rt::duration begun = world_.now();
  EXPECT_EQ(partition_of(fetch(request)).high_watermark, now);
  EXPECT_LT(world_.now() - begun, 1s);
  known = now;
  static_cast<void>(fetch(request));
  EXPECT_GE(world_.now() - begun, 30s);
}

TEST_F(MetadataLogTest, SendsAReaderToTheSnapshotOfWhatItHasNoLonger) {
  start(many_snapshots);
  const raft::snapshot_id newest = newest_snapshot();
  EXPECT_GT(newest.end_offset, offset(0));
  const auto told = fetch(at(0, 0));
  EXPECT_GT(partition_of(told).log_start_offset, offset(0));
  EXPECT_EQ(partition_of(told).records.size(), 0U);
  const auto below = fetch(at(1, epoch_.value()));
  EXPECT_EQ(partition_of(below).snapshot_id.end_offset, newest.end_offset);
  const auto after = fetch(at(newest.end_offset.value(), newest.epoch.value()));
  EXPECT_EQ(partition_of(after).snapshot_id.end_offset, no_offset);
  EXPECT_EQ(partition_of(after).error_code, errc::none);
}

TEST_F(MetadataLogTest, GivesItsSnapshotsPieceByPiece) {
  start(many_snapshots);
  const raft::snapshot_id id = newest_snapshot();
  std::vector<std::byte> file;
  for (std::int64_t size = 1; static_cast<std::int64_t>(file.size()) < size;) {
    auto request = piece_of(id, static_cast<std::int64_t>(file.size()));
    request.max_bytes = 1000;
    const auto told = fetch_snapshot(request);
    const auto& piece = partition_of(told);
    ASSERT_EQ(piece.error_code, errc::none);
    EXPECT_EQ(piece.position, static_cast<std::int64_t>(file.size()));
    EXPECT_EQ(piece.current_leader.leader_id, broker_id(1));
    ASSERT_GT(piece.unaligned_records.size(), 0U);
    ASSERT_LE(piece.unaligned_records.size(), 1000U);
    const bytes_view bytes = piece.unaligned_records.bytes();
    file.insert(file.end(), bytes.begin(), bytes.end());
    size = piece.size;
  }
  EXPECT_GT(file.size(), 1000U);
  std::size_t records = 0;
  const auto read = raft::read_snapshot(id, file, [&](bytes_view) -> result<void> {
    ++records;
    return {};
  });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_GT(records, 20U);
}

TEST_F(MetadataLogTest, RefusesSnapshotsThatItDoesNotHave) {
  start(many_snapshots);
  const raft::snapshot_id id = newest_snapshot();
  EXPECT_EQ(error_of(piece_of({.end_offset = offset(3), .epoch = leader_epoch(1)}, 0)), errc::snapshot_not_found);
  EXPECT_EQ(error_of(piece_of(raft::bootstrap_snapshot_id, 0)), errc::snapshot_not_found);
  EXPECT_EQ(error_of(piece_of(id, -1)), errc::position_out_of_range);
  EXPECT_EQ(error_of(piece_of(id, 1 << 30)), errc::position_out_of_range);
  auto request = piece_of(id, 0);
  request.topics.front().name = "orders";
  EXPECT_EQ(error_of(request), errc::unknown_topic_or_partition);
  request = piece_of(id, 0);
  request.topics.front().partitions.front().current_leader_epoch = epoch_ + 1;
  EXPECT_EQ(error_of(request), errc::unknown_leader_epoch);
  request = piece_of(id, 0);
  request.cluster_id = "another";
  EXPECT_EQ(fetch_snapshot(request).message.error_code, errc::inconsistent_cluster_id);
  request = piece_of(id, 0);
  request.topics.clear();
  EXPECT_EQ(fetch_snapshot(request).message.error_code, errc::invalid_request);
}

}  // namespace
}  // namespace moldau::broker
