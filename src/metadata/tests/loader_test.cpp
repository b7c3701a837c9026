#include "metadata/loader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "files.hpp"
#include "metadata/records.hpp"
#include "metadata/snapshots.hpp"
#include "raft/batches.hpp"
#include "wire/metadata/abort_transaction_record.hpp"
#include "wire/metadata/begin_transaction_record.hpp"
#include "wire/metadata/end_transaction_record.hpp"
#include "wire/metadata/no_op_record.hpp"
#include "wire/metadata/topic_record.hpp"

namespace moldau::metadata {
namespace {

constexpr std::string_view snapshot_name = "00000000000000000104-0000000001.checkpoint";

std::vector<std::string> snapshot_records(bytes_view file) {
  std::vector<std::string> out;
  const auto read = raft::read_snapshot({}, file, [&](bytes_view record) -> result<void> {
    out.emplace_back(as_text(record));
    return {};
  });
  EXPECT_TRUE(read) << read.error().message;
  return out;
}

shared_bytes topic_record(std::string_view name, std::uint8_t id) {
  wire::metadata::topic_record r;
  r.name = name;
  std::array<std::byte, 16> bytes{};
  bytes[15] = std::byte{id};
  r.topic_id = uuid(bytes);
  return encode_record(r, 0);
}

class Loader : public testing::Test {
 protected:
  result<void> load(const std::vector<shared_bytes>& records) {
    const offset base = loader_.next_offset();
    return loader_.load_batch(raft::make_batch(records, {.base = base, .epoch = leader_epoch(1), .now_ms = 5}));
  }

  loader loader_;
};

TEST(KafkasDirectory, LoadsFromItsLog) {
  const auto loaded = kafka_log_image(offset(104));
  EXPECT_EQ(loaded->metadata_version(), 30);
  EXPECT_EQ(loaded->feature_level("transaction.version"), 2);
  EXPECT_EQ(loaded->feature_level("eligible.leader.replicas.version"), 1);

  const topic* orders = loaded->find_topic("orders");
  ASSERT_NE(orders, nullptr);
  EXPECT_EQ(orders->partitions.size(), 3U);
  EXPECT_EQ(loaded->find_topic(orders->id), orders);
  EXPECT_EQ(loaded->find_topic("gone"), nullptr);
  EXPECT_EQ(loaded->find_topic("plain")->partitions.size(), 4U);
  EXPECT_EQ(loaded->config_of(config_resource_type::topic, "orders"),
            (config_map{{"cleanup.policy", "compact,delete"}, {"segment.bytes", "1048576"}}));
  EXPECT_TRUE(loaded->config_of(config_resource_type::topic, "gone").empty());
  EXPECT_EQ(loaded->config_of(config_resource_type::broker, "").at("message.max.bytes"), "2000000");
  EXPECT_EQ(loaded->config_of(config_resource_type::client_metrics, "m1").at("interval.ms"), "60000");
  EXPECT_EQ(loaded->config_of(config_resource_type::group, "g1").size(), 1U);

  const broker_registration* broker = loaded->find_broker(broker_id(1));
  ASSERT_NE(broker, nullptr);
  EXPECT_EQ(broker->epoch, 14);
  EXPECT_EQ(broker->find_listener("PLAINTEXT")->port, 19092);
  EXPECT_EQ(loaded->controllers->at(broker_id(1))->listeners.at(0).name, "CONTROLLER");

  EXPECT_EQ(loaded->acls->size(), 2U);
  ASSERT_EQ(loaded->scram->size(), 2U);
  EXPECT_EQ(loaded->scram->at(1).size(), 2U) << "boot and alice; temp was removed";
  EXPECT_EQ(loaded->scram->at(2).at("bob").iterations, 8192);
  ASSERT_EQ(loaded->client_quotas->size(), 3U);
  EXPECT_EQ(loaded->client_quotas->at({{"user", "alice"}, {"client-id", "c1"}}),
            (quota_values{{"producer_byte_rate", 1024.0}}));
  EXPECT_EQ(loaded->next_producer_id, producer_id(1000));
}

TEST(KafkasDirectory, ItsSnapshotSaysWhatItsLogSays) {
  loader l;
  const auto contents =
      l.load_snapshot(*raft::parse_snapshot_file_name(snapshot_name), kafka_file(std::string(snapshot_name)));
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(contents->kraft_version, 1);
  const auto update = l.publish();
  ASSERT_TRUE(update);
  const auto from_log = kafka_log_image(offset(104));
  EXPECT_TRUE(update->image->same_contents(*from_log));
  EXPECT_EQ(update->image->provenance, from_log->provenance);
}

TEST(KafkasDirectory, OurSnapshotHoldsKafkasRecordsByteForByte) {
  raft::control_state control;
  const auto from_log = kafka_log_image(offset(104), &control);
  const auto ours = make_snapshot(*from_log, control, 99);
  EXPECT_EQ(raft::snapshot_file_name(ours.id), snapshot_name);
  const auto kafkas_file = kafka_file(std::string(snapshot_name));
  const std::string our_file = joined(ours.file);
  auto our_records = snapshot_records(as_bytes(our_file));
  auto kafkas_records = snapshot_records(kafkas_file);
  // Kafka's maps have no order, and neither have its records within a kind.
  EXPECT_EQ(our_records.front(), kafkas_records.front()) << "metadata.version comes first";
  const auto kind = [](const std::string& record) { return record[1]; };
  std::string our_kinds;
  std::string kafkas_kinds;
  for (const auto& r : our_records) our_kinds += kind(r);
  for (const auto& r : kafkas_records) kafkas_kinds += kind(r);
  our_kinds.erase(std::ranges::unique(our_kinds).begin(), our_kinds.end());
  kafkas_kinds.erase(std::ranges::unique(kafkas_kinds).begin(), kafkas_kinds.end());
  EXPECT_EQ(our_kinds, kafkas_kinds) << "the kinds of records come in Kafka's order";

  // A registration lists its features in the order of Kafka's map, which no two runs share.
  const auto comparable = [](std::vector<std::string>& records) {
    for (auto& r : records) {
      if (r[1] == 0 || r[1] == 27) std::ranges::sort(r);
    }
    std::ranges::sort(records);
  };
  comparable(our_records);
  comparable(kafkas_records);
  EXPECT_EQ(our_records, kafkas_records);
  EXPECT_EQ(our_file.size(), kafkas_file.size());
}

TEST(KafkasDirectory, SurvivesOurSnapshot) {
  raft::control_state control;
  const auto before = kafka_log_image(offset(104), &control);
  const auto ours = make_snapshot(*before, control, 99);
  loader l;
  const auto contents = l.load_snapshot(ours.id, as_bytes(joined(ours.file)));
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(contents->voters, control.voters);
  static_cast<void>(l.publish());
  EXPECT_TRUE(l.current()->same_contents(*before));
  EXPECT_EQ(l.current()->provenance, before->provenance);
}

TEST(KafkasDirectory, GoesOnFromASnapshotWithTheRestOfTheLog) {
  loader l;
  ASSERT_TRUE(l.load_snapshot(*raft::parse_snapshot_file_name(snapshot_name), kafka_file(std::string(snapshot_name))));
  offset end{0};
  for_each_batch(kafka_file("00000000000000000000.log"), [&](bytes_view batch) {
    ASSERT_TRUE(l.load_batch(batch));
    end = wire::batch_view(batch).next_offset();
  });
  static_cast<void>(l.publish());
  EXPECT_TRUE(l.current()->same_contents(*kafka_log_image(end)));
  EXPECT_TRUE(l.current()->find_broker(broker_id(1))->fenced) << "the broker was stopped";
}

TEST_F(Loader, ShowsATransactionOnlyOnceItHasEnded) {
  wire::metadata::begin_transaction_record begin;
  begin.name = "test";
  ASSERT_TRUE(load({encode_record(begin, 0), topic_record("a", 1)}));
  EXPECT_TRUE(loader_.in_transaction());
  static_cast<void>(loader_.publish());
  EXPECT_EQ(loader_.current()->find_topic("a"), nullptr);
  ASSERT_TRUE(load({topic_record("b", 2), encode_record(wire::metadata::end_transaction_record{}, 0)}));
  const auto update = loader_.publish();
  ASSERT_TRUE(update);
  EXPECT_NE(update->image->find_topic("a"), nullptr);
  EXPECT_NE(update->image->find_topic("b"), nullptr);
  EXPECT_EQ(update->changes.topics_created.size(), 2U);
  EXPECT_EQ(update->image->provenance.last_offset, offset(3));
}

TEST_F(Loader, ForgetsAnAbortedTransaction) {
  ASSERT_TRUE(load({encode_record(wire::metadata::begin_transaction_record{}, 0), topic_record("a", 1),
                    encode_record(wire::metadata::abort_transaction_record{}, 0), topic_record("b", 2)}));
  const auto update = loader_.publish();
  ASSERT_TRUE(update);
  EXPECT_EQ(update->image->find_topic("a"), nullptr);
  EXPECT_NE(update->image->find_topic("b"), nullptr);
}

TEST_F(Loader, NamesWhatChangedSinceTheLastPublication) {
  ASSERT_TRUE(load({topic_record("a", 1)}));
  const auto first = loader_.publish();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->changes.topics_created.begin()->second, "a");
  EXPECT_FALSE(loader_.publish());
  ASSERT_TRUE(load({encode_record(wire::metadata::no_op_record{}, 0)}));
  const auto second = loader_.publish();
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->changes.empty());
  EXPECT_EQ(second->image->provenance.last_offset, offset(1));
}

TEST_F(Loader, LeavesPublishedImagesAsTheyWere) {
  ASSERT_TRUE(load({topic_record("a", 1)}));
  const auto first = loader_.publish()->image;
  ASSERT_TRUE(load({topic_record("b", 2)}));
  const auto second = loader_.publish()->image;
  EXPECT_EQ(first->topics.size(), 1U);
  EXPECT_EQ(second->topics.size(), 2U);
  EXPECT_EQ(first->find_topic("a"), second->find_topic("a")) << "what didn't change is shared";
}

TEST_F(Loader, RefusesRecordsThatANewerKafkaWrote) {
  const auto of = [](std::initializer_list<int> bytes) {
    shared_bytes out = shared_bytes::allocate(bytes.size());
    std::ranges::transform(bytes, out.writable().begin(), [](int b) { return static_cast<std::byte>(b); });
    return out;
  };
  for (const auto& [record, code] :
       {std::pair{of({1, 99, 0}), errc::unsupported_version}, std::pair{of({1, 2, 1, 0}), errc::unsupported_version},
        std::pair{of({2, 20, 0, 0}), errc::unsupported_version}, std::pair{of({1, 20, 0, 0, 0}), errc::malformed},
        std::pair{of({1, 2, 0, 5}), errc::malformed}, std::pair{of({1}), errc::malformed}}) {
    const auto loaded = load({record});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, code) << loaded.error().message;
    EXPECT_NE(loaded.error().message.find("offset 0"), std::string::npos);
  }
}

TEST_F(Loader, RefusesABatchWithAWrongChecksum) {
  const auto records = std::vector{topic_record("a", 1)};
  shared_bytes batch = raft::make_batch(records, {});
  shared_bytes flipped = shared_bytes::copy_of(batch);
  flipped.writable()[70] ^= std::byte{1};
  const auto loaded = loader_.load_batch(flipped);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, errc::malformed);
}

TEST(Snapshots, AreDueByBytesAndByTime) {
  const snapshot_policy policy{.max_bytes = 100, .max_interval_ms = 1000};
  EXPECT_FALSE(policy.due(0, 5000)) << "nothing new";
  EXPECT_FALSE(policy.due(99, 999));
  EXPECT_TRUE(policy.due(100, 0));
  EXPECT_TRUE(policy.due(1, 1000));
  EXPECT_FALSE((snapshot_policy{.max_bytes = 100, .max_interval_ms = 0}.due(1, 5000)));
}

}  // namespace
}  // namespace moldau::metadata
