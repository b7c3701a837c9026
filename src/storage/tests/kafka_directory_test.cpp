// A directory that Apache Kafka 4.3.1 wrote and closed: opened here, it says what Kafka said; written here, the same
// batches give the same bytes.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "storage/log_manager.hpp"
#include "storage/meta_properties.hpp"
#include "storage/tests/rig.hpp"

namespace moldau::storage::tests {
namespace {

const std::filesystem::path golden = std::filesystem::path(__FILE__).parent_path() / "data" / "kafka_clean";

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Kafka's directory on a simulated disk, as /data.
class kafka_directory : public ::testing::Test {
 protected:
  kafka_directory() {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(golden)) {
      if (!entry.is_regular_file()) continue;
      const std::string to = "/data/" + std::filesystem::relative(entry.path(), golden).string();
      rig.host.disk().put(to, as_bytes(content(entry.path())));
    }
    rig.options.topic_id = {};
    rig.options.clean_shutdown = true;
    rig.options.options.retention_ms = -1;
  }
  void open(const std::string& topic, offset recovery_point) {
    rig.options.directory = "/data/" + topic + "-0";
    rig.options.partition = {.topic = topic, .partition = partition_id(0)};
    rig.options.recovery_point = recovery_point;
    ASSERT_TRUE(rig.open());
    rig.log->set_high_watermark(rig.log->log_end());
  }
  std::map<std::string, std::string> files_of(const std::string& folder) {
    std::map<std::string, std::string> out;
    const std::string prefix = "data/" + folder + "/";
    for (const std::string& path : rig.host.disk().files()) {
      if (path.starts_with(prefix)) out[path.substr(prefix.size())] = *rig.host.disk().content_of(path);
    }
    return out;
  }

  log_rig rig;
};

TEST_F(kafka_directory, HasItsOffsetsEpochsAndRecords) {
  open("segments", offset(60));
  EXPECT_EQ(rig.log->log_start(), offset(0));
  EXPECT_EQ(rig.log->log_end(), offset(60));
  EXPECT_EQ(rig.log->segment_count(), 2U);
  EXPECT_EQ(rig.log->latest_epoch(), leader_epoch(0));
  const auto values = rig.all_values();
  ASSERT_EQ(values.size(), 60U);
  EXPECT_EQ(values[47], "value-47");
  EXPECT_EQ(rig.values(offset(50), offset(52)), (std::vector<std::string>{"value-50", "value-51"}));
}

TEST_F(kafka_directory, KnowsItsProducers) {
  open("segments", offset(60));
  const auto producers = rig.log->describe_producers();
  ASSERT_EQ(producers.size(), 1U);
  EXPECT_EQ(producers[0].producer_epoch, producer_epoch(0));
  EXPECT_EQ(producers[0].last_sequence, 59);
  EXPECT_EQ(producers[0].last_timestamp_ms, 1'700'000'000'590);
}

TEST_F(kafka_directory, FindsOffsetsByTime) {
  open("segments", offset(60));
  const std::int64_t start_ms = 1'700'000'000'000;
  for (const int record : {0, 1, 17, 38, 39, 59}) {
    const auto found = rig.run(rig.log->offset_for_timestamp(start_ms + record * 10 - 3));
    ASSERT_TRUE(found && *found) << record;
    EXPECT_EQ(**found,
              (timestamp_offset{
                  .timestamp_ms = start_ms + record * 10, .offset = offset(record), .leader_epoch = leader_epoch(0)}));
  }
  EXPECT_EQ(rig.run(rig.log->offset_for_timestamp(start_ms + 591)), std::nullopt);
  EXPECT_EQ((*rig.run(rig.log->offset_of_max_timestamp()))->offset, offset(59));
}

TEST_F(kafka_directory, KnowsItsAbortedTransactions) {
  open("plain", offset(28));
  EXPECT_EQ(rig.log->log_end(), offset(28));
  EXPECT_EQ(rig.log->last_stable_offset(), offset(28));
  const auto aborted = rig.run(rig.log->aborted_transactions(offset(0), offset(28)));
  ASSERT_TRUE(aborted);
  ASSERT_EQ(aborted->size(), 1U);
  EXPECT_EQ(aborted->front().first_offset, offset(24));
  EXPECT_TRUE(rig.run(rig.log->aborted_transactions(offset(0), offset(24)))->empty());
}

TEST_F(kafka_directory, ReadsItsCompactedLog) {
  open("compacted", offset(40));
  EXPECT_EQ(rig.log->log_end(), offset(40));
  EXPECT_EQ(rig.all_values(),
            (std::vector<std::string>{"value-34", "value-35", "value-36", "value-37", "value-38", "value-39"}));
}

TEST_F(kafka_directory, LeavesEveryByteAsItWasWhenNothingIsAppended) {
  for (const auto& [topic, end] : {std::pair("segments", 60), {"plain", 28}, {"compacted", 40}}) {
    const auto before = files_of(std::string(topic) + "-0");
    open(topic, offset(end));
    ASSERT_TRUE(rig.close());
    EXPECT_EQ(files_of(std::string(topic) + "-0"), before) << topic;
    rig.options.clean_shutdown = true;
    rig.options.log_start = offset(0);
  }
}

TEST_F(kafka_directory, RecoversItAfterAnUncleanStop) {
  // While it runs, Kafka keeps the active segment's indexes at their full size, zeros behind the entries.
  for (const char* index : {"index", "timeindex"}) {
    const std::string path = std::string("/data/segments-0/00000000000000000039.") + index;
    std::string grown = *rig.host.disk().content_of(path);
    grown.resize(240);
    rig.host.disk().put(path, as_bytes(grown));
  }
  const auto before = files_of("segments-0");
  rig.options.clean_shutdown = false;
  rig.options.options.index_interval_bytes = 100;
  open("segments", offset(39));
  EXPECT_EQ(rig.log->log_end(), offset(60));
  EXPECT_EQ(rig.all_values().size(), 60U);
  ASSERT_TRUE(rig.close());
  const auto after = files_of("segments-0");
  for (const char* file :
       {"00000000000000000039.index", "00000000000000000039.timeindex", "00000000000000000060.snapshot"}) {
    EXPECT_EQ(after.at(file), content(golden / "segments-0" / file)) << file;
  }
}

TEST_F(kafka_directory, IsWrittenByteForByteTheSameFromTheSameBatches) {
  std::string all;
  for (const char* log : {"00000000000000000000.log", "00000000000000000039.log"}) {
    all += content(golden / "segments-0" / log);
  }
  rig.options.directory = "/new/segments-0";
  rig.options.partition = {.topic = "segments", .partition = partition_id(0)};
  rig.options.topic_id = *uuid::parse(content(golden / "segments-0" / "partition.metadata").substr(21));
  rig.options.clean_shutdown = false;
  rig.options.options.segment_bytes = 1U << 20U;
  rig.options.options.index_interval_bytes = 100;
  rig.options.options.segment_index_bytes = 240;
  ASSERT_TRUE(rig.open());
  // One batch a call, as they came to Kafka.
  wire::batch_iterator batches(as_bytes(all));
  while (const auto batch = *batches.next()) {
    ASSERT_TRUE(rig.append_as_follower(shared_bytes::copy_of(batch->bytes())));
  }
  ASSERT_TRUE(rig.close());
  for (const auto& entry : std::filesystem::directory_iterator(golden / "segments-0")) {
    const std::string name = entry.path().filename();
    const auto ours = rig.host.disk().content_of("/new/segments-0/" + name);
    ASSERT_TRUE(ours) << name;
    EXPECT_EQ(*ours, content(entry.path())) << name;
  }
}

TEST_F(kafka_directory, IsLoadedAndStoppedWholeByTheManager) {
  manager_options options{.directories = {"/data"}};
  options.defaults.retention_ms = -1;
  options.is_stray = nullptr;
  log_manager manager(rig.world(), std::move(options));
  ASSERT_TRUE(rig.run(manager.load()));
  EXPECT_EQ(manager.logs().size(), 3U);
  EXPECT_EQ(manager.directory_ids().front().to_string(), "T1IIyHC_oQbTiDJxD37Hvg");
  EXPECT_FALSE(rig.host.disk().durable_content_of("/data/.kafka_cleanshutdown"));
  ASSERT_TRUE(rig.run(manager.stop(12)));
  EXPECT_EQ(rig.host.disk().durable_content_of("/data/.kafka_cleanshutdown"), content(golden / ".kafka_cleanshutdown"));
  EXPECT_EQ(rig.host.disk().content_of("/data/cleaner-offset-checkpoint"),
            content(golden / "cleaner-offset-checkpoint"));
  EXPECT_EQ(rig.host.disk().content_of("/data/recovery-point-offset-checkpoint"),
            "0\n3\ncompacted 0 40\nplain 0 28\nsegments 0 60\n");
  EXPECT_EQ(rig.host.disk().content_of("/data/replication-offset-checkpoint"),
            "0\n3\ncompacted 0 40\nplain 0 28\nsegments 0 60\n");
}

TEST(MetaProperties, ReadsKafkasAndKeepsWhatItDoesNotKnow) {
  const auto meta = meta_properties::parse(content(golden / "meta.properties"));
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->version, 1);
  EXPECT_EQ(meta->cluster_id, "MkU3OEVBNTcwNTJENDM2Qg");
  EXPECT_EQ(meta->node_id, broker_id(1));
  ASSERT_TRUE(meta->directory_id);
  auto more = *meta;
  more.others.emplace_back("some.key", "a:b=c\\d");
  EXPECT_EQ(meta_properties::parse(more.encode()), more);
}

TEST(MetaProperties, ReadsWhatJavaReadsAndWritesItSo) {
  const auto meta = meta_properties::parse(
      "version = 1\nnode.id: 1\nnode.id=2\na\\ key=\\ b\\tc\\u00fc\\\n   d\ncluster.id=#x y\nempty\n");
  ASSERT_TRUE(meta) << meta.error().message;
  EXPECT_EQ(meta->node_id, broker_id(2));
  EXPECT_EQ(meta->cluster_id, "#x y");
  EXPECT_EQ(meta->others, (std::vector<std::pair<std::string, std::string>>{{"a key", " b\tc\u00fcd"}, {"empty", ""}}));
  EXPECT_EQ(meta->encode(), "#\na\\ key=\\ b\\tc\u00fcd\ncluster.id=\\#x y\nempty=\nnode.id=2\nversion=1\n");
  EXPECT_EQ(meta_properties::parse(meta->encode()), meta);
}

TEST(MetaProperties, RefusesWhatMakesNoSense) {
  EXPECT_FALSE(meta_properties::parse("cluster.id=x\n"));
  EXPECT_FALSE(meta_properties::parse("version=7\n"));
  EXPECT_FALSE(meta_properties::parse("version=1\nnode.id=x\n"));
  EXPECT_FALSE(meta_properties::parse("version=1\ndirectory.id=short\n"));
}

}  // namespace
}  // namespace moldau::storage::tests
