#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "coord/group_coordinator.hpp"
#include "wire/coordinator/share_group_metadata_key.hpp"
#include "wire/coordinator/share_group_metadata_value.hpp"
#include "wire/primitives.hpp"
#include "wire/record_control.hpp"
#include "wire/record_reader.hpp"

namespace moldau::coord {
namespace {

/// `__consumer_offsets-0` of Apache Kafka 4.3.1, see data/make.py.
struct kafka_log {
  struct entry {
    shared_bytes key;
    std::optional<shared_bytes> value;
    std::int64_t timestamp_ms;
  };
  std::vector<entry> records;
  std::vector<record> written;
  std::unique_ptr<group_coordinator> coordinator = std::make_unique<group_coordinator>(
      group_options{.random = [] { return std::uint64_t{1}; }},
      [this](std::span<const record> more) -> result<offset> {
        written.insert(written.end(), more.begin(), more.end());
        return offset(static_cast<std::int64_t>(records.size() + written.size()));
      },
      base::logger());

  kafka_log() {
    const auto path = std::filesystem::path(__FILE__).parent_path() / "data" / "offsets.log";
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    wire::batch_iterator batches(as_bytes(text));
    wire::codec_context codecs;
    while (const auto batch = *batches.next()) {
      auto reader = *wire::record_reader::open(*batch, codecs);
      record_view one;
      while (*reader.next(one)) take(*batch, one);
    }
  }
  void take(const wire::batch_view& batch, const record_view& one) {
    if (batch.is_control()) {
      records.push_back({{}, {}, 0});
      const bool commit = *wire::decode_control_key(one.key) == wire::control_record_type::commit;
      coordinator->end_transaction(batch.producer_id(), commit);
      return;
    }
    records.push_back({shared_bytes::copy_of(*one.key),
                       one.value ? std::optional(shared_bytes::copy_of(*one.value)) : std::nullopt, one.timestamp_ms});
    coordinator->replay(
        *one.key, one.value,
        {.offset = one.offset, .transaction = batch.is_transactional() ? batch.producer_id() : no_producer_id});
  }
  std::int64_t offset_of(std::string_view group, std::int32_t partition = 0) {
    const auto* found = coordinator->offsets().find(group, "t", partition_id(partition));
    return found == nullptr ? -1 : found->offset.value();
  }
};

TEST(KafkasLog, HoldsItsGroups) {
  kafka_log log;
  std::vector<std::string> seen;
  for (const auto& one : log.coordinator->list({}, {})) seen.push_back(one.id + " " + one.type + " " + one.state);
  EXPECT_EQ(seen, (std::vector<std::string>{"left classic Empty", "live classic Stable", "modern consumer Stable",
                                            "plain classic Empty", "transaction classic Empty"}));
}

TEST(KafkasLog, HoldsTheirOffsets) {
  kafka_log log;
  EXPECT_EQ(log.offset_of("left"), 4);
  EXPECT_EQ(log.offset_of("left", 1), 5);
  EXPECT_EQ(log.offset_of("plain"), 2);
  EXPECT_EQ(log.offset_of("gone"), -1);
  EXPECT_EQ(log.offset_of("live"), 5);
  EXPECT_EQ(log.offset_of("modern"), 5);
}

TEST(KafkasLog, AppliesTransactionsThatCommittedOnly) {
  kafka_log log;
  EXPECT_EQ(log.offset_of("transaction"), 3);
  EXPECT_FALSE(log.coordinator->offsets().has_open_transactions("transaction"));
}

TEST(KafkasLog, HoldsAStaticMember) {
  kafka_log log;
  const classic_group* group = log.coordinator->find_classic("live");
  ASSERT_NE(group, nullptr);
  ASSERT_EQ(group->members().size(), 1U);
  const classic_member& member = group->members().begin()->second;
  EXPECT_EQ(member.instance_id, "one");
  EXPECT_EQ(member.client_id, "maker");
  EXPECT_FALSE(member.assignment.empty());
  EXPECT_TRUE(group->is_subscribed_to("t"));
  EXPECT_FALSE(group->is_subscribed_to("u"));
}

TEST(KafkasLog, IsWrittenTheSameWay) {
  kafka_log log;
  const auto* held = log.coordinator->offsets().find("left", "t", partition_id(0));
  ASSERT_NE(held, nullptr);
  const offset_to_commit again{.topic = "t",
                               .id = held->id,
                               .partition = partition_id(0),
                               .offset = held->offset,
                               .epoch = held->epoch,
                               .metadata = held->metadata};
  log.coordinator->commit_offsets({.group = "left", .offsets = {&again, 1}}, {9, "", ""},
                                  {.wall_ms = held->commit_timestamp_ms}, [](const auto&) {});
  log.coordinator->flush();
  ASSERT_EQ(log.written.size(), 1U);
  EXPECT_TRUE(wire::same_bytes(log.written[0].key.view(), log.records[2].key.view()));
  EXPECT_TRUE(wire::same_bytes(log.written[0].value->view(), log.records[2].value->view()));
}

TEST(KafkasLog, GroupsAreWrittenTheSameWay) {
  // The static member joins anew: its group's record then differs from Kafka's in nothing but the new id.
  kafka_log log;
  const classic_group& group = *log.coordinator->find_classic("live");
  const classic_member& member = group.members().begin()->second;
  wire::protocol::join_group_request request;
  request.group_id = "live";
  request.group_instance_id = "one";
  request.session_timeout_ms = member.session_timeout_ms;
  request.rebalance_timeout_ms = member.rebalance_timeout_ms;
  request.protocol_type = "consumer";
  const shared_bytes metadata = member.protocols.front().metadata;
  request.protocols.push_back({.name = "range", .metadata = metadata});
  const std::string old_id = member.id;
  std::string expected(as_text(log.records[14].value->view()));
  log.coordinator->join(request, {9, "maker", "/127.0.0.1"}, {}, [](const auto&) {});
  ASSERT_EQ(log.written.size(), 1U);
  const std::string new_id = group.leader().value_or("");
  ASSERT_EQ(new_id.size(), old_id.size());
  for (auto at = expected.find(old_id); at != std::string::npos; at = expected.find(old_id)) {
    expected.replace(at, old_id.size(), new_id);
  }
  EXPECT_TRUE(wire::same_bytes(log.written[0].key.view(), log.records[14].key.view()));
  EXPECT_EQ(as_text(log.written[0].value->view()), expected);
}

TEST(KafkasLog, LetsNoClassicMemberIntoAConsumerGroup) {
  kafka_log log;
  wire::protocol::join_group_request request;
  request.group_id = "modern";
  request.session_timeout_ms = 10'000;
  request.protocol_type = "consumer";
  request.protocols.push_back({.name = "range", .metadata = {}});
  errc code = errc::none;
  log.coordinator->join(request, {9, "c", "/h"}, {}, [&](const join_result& out) { code = out.error; });
  EXPECT_EQ(code, errc::inconsistent_group_protocol);
  EXPECT_TRUE(log.written.empty());
}

constexpr std::int64_t years = std::int64_t{100} * 365 * 24 * 3600 * 1000;

TEST(KafkasLog, LeavesConsumerGroupsWithMembersAloneWhenTheyExpire) {
  kafka_log log;
  log.coordinator->loaded({.monotonic_ms = 0, .wall_ms = 0});
  log.coordinator->poll({.monotonic_ms = 700'000, .wall_ms = years});
  EXPECT_EQ(log.coordinator->find_classic("plain"), nullptr);
  ASSERT_NE(log.coordinator->find_foreign("modern"), nullptr);
  EXPECT_EQ(log.offset_of("modern"), 5);
}

/// What Kafka writes when the member of its consumer group leaves.
void leave(kafka_log& log) {
  for (const auto& one : log.records) {
    if (one.key.size() > 2 && one.key.view()[1] == std::byte{5}) log.coordinator->replay(one.key, std::nullopt, {});
  }
}

TEST(KafkasLog, ConsumerGroupsWithoutMembersGoOnceTheirOffsetsHaveExpired) {
  kafka_log log;
  leave(log);
  const committed_offset held = *log.coordinator->offsets().find("modern", "t", partition_id(0));
  log.coordinator->loaded({.monotonic_ms = 0, .wall_ms = held.commit_timestamp_ms});
  constexpr std::int64_t week_ms = std::int64_t{7} * 24 * 3600 * 1000;
  log.coordinator->poll({.monotonic_ms = 700'000, .wall_ms = held.commit_timestamp_ms + week_ms - 1});
  EXPECT_EQ(log.offset_of("modern"), 5);
  log.coordinator->poll({.monotonic_ms = 1'400'000, .wall_ms = held.commit_timestamp_ms + week_ms});
  EXPECT_EQ(log.coordinator->offsets().find("modern"), nullptr);
  EXPECT_EQ(log.coordinator->find_foreign("modern"), nullptr);
}

TEST(KafkasLog, KeepsShareGroups) {
  kafka_log log;
  const wire::coordinator::share_group_metadata_key key{.group_id = "shared"};
  const wire::coordinator::share_group_metadata_value value{.epoch = 3};
  log.coordinator->replay(encode_key(key), encode_value(value, 0), {});
  ASSERT_NE(log.coordinator->find_foreign("shared"), nullptr);
  log.coordinator->loaded({.monotonic_ms = 0, .wall_ms = 0});
  log.coordinator->poll({.monotonic_ms = 700'000, .wall_ms = years});
  EXPECT_NE(log.coordinator->find_foreign("shared"), nullptr);
}

TEST(KafkasLog, ConsumerGroupMakesPlaceOnceItsMembersAreGone) {
  kafka_log log;
  leave(log);
  EXPECT_EQ(log.coordinator->find_foreign("modern")->state(), "Empty");
  wire::protocol::join_group_request request;
  request.group_id = "modern";
  request.session_timeout_ms = 10'000;
  request.protocol_type = "consumer";
  request.protocols.push_back({.name = "range", .metadata = {}});
  errc code = errc::none;
  log.coordinator->join(request, {9, "c", "/h"}, {}, [&](const join_result& out) { code = out.error; });
  EXPECT_EQ(code, errc::member_id_required);
  EXPECT_NE(log.coordinator->find_classic("modern"), nullptr);
  EXPECT_EQ(log.offset_of("modern"), 5);
  // Four tombstones, and the classic group's first record.
  ASSERT_EQ(log.written.size(), 5U);
  EXPECT_FALSE(log.written.front().value);
  EXPECT_TRUE(log.written.back().value);
}

}  // namespace
}  // namespace moldau::coord
