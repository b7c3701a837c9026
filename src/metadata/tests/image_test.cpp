#include "metadata/image.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "metadata/changes.hpp"
#include "metadata/loader.hpp"
#include "metadata/records.hpp"
#include "metadata/snapshots.hpp"
#include "wire/metadata/broker_registration_change_record.hpp"
#include "wire/metadata/clear_elr_record.hpp"
#include "wire/metadata/config_record.hpp"
#include "wire/metadata/delegation_token_record.hpp"
#include "wire/metadata/feature_level_record.hpp"
#include "wire/metadata/fence_broker_record.hpp"
#include "wire/metadata/partition_change_record.hpp"
#include "wire/metadata/partition_record.hpp"
#include "wire/metadata/register_broker_record.hpp"
#include "wire/metadata/remove_delegation_token_record.hpp"
#include "wire/metadata/remove_topic_record.hpp"
#include "wire/metadata/topic_record.hpp"
#include "wire/metadata/unfence_broker_record.hpp"
#include "wire/metadata/unregister_broker_record.hpp"
#include "wire/metadata/zk_migration_state_record.hpp"

namespace moldau::metadata {
namespace {

namespace records = wire::metadata;
using testing::ElementsAre;

uuid numbered(int n) {
  std::array<std::byte, 16> bytes{};
  bytes[14] = static_cast<std::byte>(n / 256);
  bytes[15] = static_cast<std::byte>(n % 256);
  bytes[0] = std::byte{1};
  return uuid(bytes);
}

class Image : public testing::Test {
 protected:
  template <typename Record>
  void apply(const Record& record, std::int16_t version = 0) {
    const auto applied = apply_record(image_, encode_record(record, version), &changes_);
    ASSERT_TRUE(applied) << applied.error().message;
  }
  template <typename Record>
  errc refusal(const Record& record, std::int16_t version = 0) {
    const auto applied = apply_record(image_, encode_record(record, version), &changes_);
    return applied ? errc::none : applied.error().code;
  }

  void add_topic(std::string_view name, int id) {
    records::topic_record t;
    t.name = name;
    t.topic_id = numbered(id);
    apply(t);
  }
  void add_partition(int topic, int id) {
    records::partition_record p;
    p.topic_id = numbered(topic);
    p.partition_id = partition_id(id);
    p.replicas = {broker_id(1), broker_id(2)};
    p.isr = {broker_id(1), broker_id(2)};
    p.directories = {numbered(201), numbered(202)};
    p.leader = broker_id(1);
    p.leader_epoch = leader_epoch(0);
    p.partition_epoch = 0;
    apply(p, 2);
  }
  void set_metadata_version(std::int16_t level) {
    records::feature_level_record f;
    f.name = "metadata.version";
    f.feature_level = level;
    apply(f);
  }

  image image_;
  image_changes changes_;
};

TEST_F(Image, FollowsAPartitionThroughItsChanges) {
  add_topic("t", 1);
  add_partition(1, 0);
  records::partition_change_record c;
  c.topic_id = numbered(1);
  c.partition_id = partition_id(0);
  c.isr = std::vector{broker_id(2)};
  c.leader = broker_id(2);
  c.eligible_leader_replicas = std::vector{broker_id(1)};
  apply(c, 2);
  const partition* p = image_.find_partition("t", partition_id(0));
  EXPECT_EQ(p->leader, broker_id(2));
  EXPECT_EQ(p->leader_epoch, leader_epoch(1));
  EXPECT_EQ(p->partition_epoch, 1);
  EXPECT_THAT(p->eligible_leader_replicas, ElementsAre(broker_id(1)));

  records::partition_change_record moved;
  moved.topic_id = numbered(1);
  moved.replicas = std::vector{broker_id(2), broker_id(3)};
  moved.partition_id = partition_id(0);
  apply(moved, 2);
  p = image_.find_partition("t", partition_id(0));
  EXPECT_EQ(p->leader_epoch, leader_epoch(1)) << "no new leader, no new epoch";
  EXPECT_EQ(p->partition_epoch, 2);
  EXPECT_EQ(p->directory_of(broker_id(2)), numbered(202)) << "a replica keeps its directory";
  EXPECT_EQ(p->directory_of(broker_id(3)), migrating_directory);

  records::clear_elr_record clear;
  clear.topic_name = "t";
  apply(clear);
  EXPECT_TRUE(image_.find_partition("t", partition_id(0))->eligible_leader_replicas.empty());
  EXPECT_THAT(changes_.partitions.at(numbered(1)), ElementsAre(partition_id(0)));
}

TEST_F(Image, PutsPartitionsInOrderHoweverTheyCome) {
  add_topic("t", 1);
  for (const int id : {2, 0, 1, 7}) add_partition(1, id);
  const topic* t = image_.find_topic("t");
  EXPECT_EQ(t->find(partition_id(2))->id, partition_id(2));
  EXPECT_EQ(t->find(partition_id(7))->id, partition_id(7));
  EXPECT_EQ(t->find(partition_id(3)), nullptr);
  EXPECT_EQ(t->find(partition_id(-1)), nullptr);
}

TEST_F(Image, FollowsABrokerThroughOldAndNewRecords) {
  records::register_broker_record b;
  b.broker_id = broker_id(5);
  b.broker_epoch = 9;
  b.rack = "r1";
  b.log_dirs = {numbered(7), numbered(8)};
  apply(b, 4);
  EXPECT_EQ(image_.find_broker(broker_id(5))->rack, "r1");
  records::unfence_broker_record up;
  up.id = broker_id(5);
  apply(up);
  EXPECT_FALSE(image_.find_broker(broker_id(5))->fenced);
  records::fence_broker_record down;
  down.id = broker_id(5);
  apply(down);
  EXPECT_TRUE(image_.find_broker(broker_id(5))->fenced);
  records::broker_registration_change_record change;
  change.broker_id = broker_id(5);
  change.fenced = -1;
  change.in_controlled_shutdown = 1;
  change.log_dirs = {numbered(7)};
  change.cordoned_log_dirs = std::vector{numbered(7)};
  apply(change, 3);
  const auto* broker = image_.find_broker(broker_id(5));
  EXPECT_FALSE(broker->fenced);
  EXPECT_FALSE(broker->active());
  EXPECT_THAT(broker->directories, ElementsAre(numbered(7)));
  EXPECT_THAT(*broker->cordoned_directories, ElementsAre(numbered(7)));
  records::unregister_broker_record gone;
  gone.broker_id = broker_id(5);
  apply(gone);
  EXPECT_EQ(image_.find_broker(broker_id(5)), nullptr);
  EXPECT_EQ(refusal(gone), errc::malformed);
}

TEST_F(Image, KeepsDelegationTokensAndWritesThemBack) {
  set_metadata_version(30);
  records::delegation_token_record t;
  t.token_id = "id";
  t.owner = "User:a";
  t.requester = "User:b";
  t.renewers = {"User:c", "User:d"};
  t.issue_timestamp = 1;
  t.max_timestamp = 2;
  t.expiration_timestamp = 3;
  apply(t);
  const auto written = image_records(image_);
  ASSERT_EQ(written.size(), 2U);
  EXPECT_EQ(as_text(written[1]), as_text(encode_record(t, 0)));
  records::remove_delegation_token_record gone;
  gone.token_id = "id";
  apply(gone);
  EXPECT_TRUE(image_.delegation_tokens->empty());
  EXPECT_TRUE(changes_.delegation_tokens);
}

TEST_F(Image, WritesOlderVersionsOfRecordsForAnOlderCluster) {
  set_metadata_version(7);
  add_topic("t", 1);
  add_partition(1, 0);
  records::register_broker_record b;
  b.broker_id = broker_id(5);
  b.log_dirs = {numbered(7)};
  apply(b, 4);
  for (const auto& record : image_records(image_)) {
    const int type = std::to_integer<int>(record.view()[1]);
    const int version = std::to_integer<int>(record.view()[2]);
    if (type == records::partition_record::type_id) EXPECT_EQ(version, 0);
    if (type == records::register_broker_record::type_id) EXPECT_EQ(version, 1);
  }
}

TEST_F(Image, IgnoresTheStateOfAMigrationAsKafka4Does) {
  records::zk_migration_state_record z;
  z.zk_migration_state = 3;
  apply(z);
  EXPECT_TRUE(changes_.empty());
}

TEST_F(Image, RefusesWhatSpeaksOfTopicsThatAreNotThere) {
  records::remove_topic_record gone;
  gone.topic_id = numbered(1);
  EXPECT_EQ(refusal(gone), errc::malformed);
  records::partition_record p;
  p.topic_id = numbered(1);
  EXPECT_EQ(refusal(p, 2), errc::malformed);
  add_topic("t", 1);
  EXPECT_EQ(refusal(p, 2), errc::malformed) << "partition -1";
  records::partition_change_record c;
  c.topic_id = numbered(1);
  c.partition_id = partition_id(0);
  EXPECT_EQ(refusal(c, 2), errc::malformed);
}

TEST_F(Image, RefusesATopicThatIsThere) {
  add_topic("t", 1);
  records::topic_record again;
  again.name = "t";
  again.topic_id = numbered(2);
  EXPECT_EQ(refusal(again), errc::malformed);
  again.name = "u";
  again.topic_id = numbered(1);
  EXPECT_EQ(refusal(again), errc::malformed);
  EXPECT_EQ(image_.find_topic("t")->id, numbered(1));
  EXPECT_EQ(image_.find_topic("u"), nullptr);
}

TEST_F(Image, RefusesAChangeBehindTheLastEpoch) {
  add_topic("t", 1);
  records::partition_record p;
  p.topic_id = numbered(1);
  p.partition_id = partition_id(0);
  p.leader_epoch = leader_epoch(std::numeric_limits<std::int32_t>::max());
  apply(p, 2);
  records::partition_change_record c;
  c.topic_id = numbered(1);
  c.partition_id = partition_id(0);
  EXPECT_EQ(refusal(c, 2), errc::none);
  c.leader = broker_id(2);
  EXPECT_EQ(refusal(c, 2), errc::malformed);
  p.leader_epoch = leader_epoch(0);
  p.partition_epoch = std::numeric_limits<std::int32_t>::max();
  apply(p, 2);
  EXPECT_EQ(refusal(c, 2), errc::malformed);
}

TEST_F(Image, DropsATopicThatCameAndWentFromTheChanges) {
  add_topic("t", 1);
  add_partition(1, 0);
  records::remove_topic_record gone;
  gone.topic_id = numbered(1);
  apply(gone);
  EXPECT_TRUE(changes_.empty());
  EXPECT_EQ(image_.find_topic("t"), nullptr);
}

TEST_F(Image, SharesAllButWhatChangedAmongTenThousandTopics) {
  for (int i = 0; i < 10'000; ++i) {
    add_topic("topic-" + std::to_string(i), i);
    add_partition(i, 0);
  }
  image_.seal();
  const image before = image_;
  records::config_record c;
  c.resource_type = 2;
  c.resource_name = "topic-5";
  c.name = "retention.ms";
  c.value = "1";
  apply(c);
  add_partition(5, 1);
  image_.seal();
  int shared = 0;
  image_.topics.for_each([&](const topic_id& id, const auto& t) {
    if (*before.topics.find(id) == t) ++shared;
  });
  EXPECT_EQ(shared, 9'999);
  EXPECT_EQ(before.find_topic("topic-5")->partitions.size(), 1U);
  EXPECT_EQ(image_.find_topic("topic-5")->partitions.size(), 2U);
}

TEST_F(Image, LeavesACopyAloneWhileItsTopicGrows) {
  add_topic("t", 1);
  add_partition(1, 0);
  image_.seal();
  const image before = image_;
  add_partition(1, 1);
  add_partition(1, 2);
  EXPECT_EQ(before.find_topic("t")->partitions.size(), 1U);
  EXPECT_EQ(image_.find_topic("t")->partitions.size(), 3U);
}

TEST_F(Image, TakesAnyBytesForARecordWithoutHarm) {
  set_metadata_version(30);
  add_topic("t", 1);
  add_partition(1, 0);
  const auto written = image_records(image_);
  std::uint32_t state = 1;
  for (int round = 0; round < 20'000; ++round) {
    state = state * 1'664'525 + 1'013'904'223;
    const auto& from = written[state % written.size()];
    shared_bytes broken = shared_bytes::copy_of(from.view().first(1 + (state >> 8U) % from.size()));
    broken.writable()[(state >> 16U) % broken.size()] ^= static_cast<std::byte>(state >> 24U);
    static_cast<void>(apply_record(image_, broken, nullptr));
  }
  SUCCEED();
}

}  // namespace
}  // namespace moldau::metadata
