#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "broker/tests/broker_fixture.hpp"
#include "storage/file_names.hpp"

namespace moldau::broker {
namespace {

using testing::broker_fixture;
using ::testing::HasSubstr;

const std::string directory = "/data/__cluster_metadata-0";

/// A start after the files of the metadata log went while the broker was stopped.
class MetadataLossTest : public broker_fixture {
 public:
  static std::string path_of(offset at, std::string_view suffix) {
    return rt::join_path(directory, storage::segment_file_name(at, suffix));
  }
  static void remove_log(rt::file_system& files) {
    EXPECT_TRUE(files.remove(path_of(offset(0), storage::names::log)));
    EXPECT_TRUE(files.sync_directory(directory));
  }
  /// Why it doesn't start; empty if it does.
  std::string refusal(std::string_view properties = {}) {
    start_error_.reset();
    start(properties);
    if (!start_error_) return {};
    EXPECT_TRUE(world_.run_until([this] { return !broker_.running(); }, patience));
    return start_error_->message;
  }
};

TEST_F(MetadataLossTest, IsRefusedUntilTheFileIsBack) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  stop();
  const std::string path = path_of(offset(0), storage::names::log);
  const std::string content = *broker_.disk().content_of(path);
  before_start_ = &remove_log;
  EXPECT_THAT(refusal(), HasSubstr("put copies of the missing files"));
  EXPECT_THAT(refusal(), HasSubstr("put copies of the missing files"));
  before_start_ = [&](rt::file_system&) { broker_.disk().put(path, as_bytes(content)); };
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(create_topic("orders"), errc::topic_already_exists);
}

void remove_folder(rt::file_system& files) {
  const auto entries = files.list(directory);
  ASSERT_TRUE(entries);
  for (const auto& entry : *entries) EXPECT_TRUE(files.remove(rt::join_path(directory, entry.name)));
  EXPECT_TRUE(files.remove(directory));
  EXPECT_TRUE(files.sync_directory("/data"));
}

/// Such a quorum needs nothing but its properties to begin.
constexpr std::string_view fixed_voters = "controller.quorum.voters=1@broker:9093\n";

TEST_F(MetadataLossTest, OfTheWholeFolderIsRefusedWhileThereAreLogs) {
  start(fixed_voters);
  ASSERT_EQ(create_topic("orders"), errc::none);
  stop();
  before_start_ = &remove_folder;
  EXPECT_THAT(refusal(fixed_voters), HasSubstr("/data/__cluster_metadata-0 is missing"));
  EXPECT_THAT(refusal(fixed_voters), HasSubstr("/data/orders-0"));
}

TEST_F(MetadataLossTest, OfTheWholeFolderIsAFreshBeginningWithoutLogs) {
  start(fixed_voters);
  stop();
  before_start_ = &remove_folder;
  ASSERT_EQ(refusal(fixed_voters), "");
  EXPECT_EQ(create_topic("orders"), errc::none);
}

TEST_F(MetadataLossTest, OfWhatASnapshotStandsForIsNoLoss) {
  constexpr std::string_view snapshots = "metadata.log.max.record.bytes.between.snapshots=500\n";
  start(snapshots);
  ASSERT_EQ(create_topic("orders", 20), errc::none);
  world_.run_for(std::chrono::seconds(1));
  stop();
  before_start_ = [](rt::file_system& files) {
    const auto entries = files.list(directory);
    ASSERT_TRUE(entries);
    for (const auto& entry : *entries) {
      const auto at = storage::parse_segment_file_name(entry.name, storage::names::snapshot);
      if (!at) continue;
      // As of a clean stop before the snapshot.
      EXPECT_TRUE(files.rename(rt::join_path(directory, entry.name), path_of(offset(1), storage::names::snapshot)));
    }
    remove_log(files);
  };
  EXPECT_EQ(refusal(snapshots), "");
  EXPECT_EQ(create_topic("orders"), errc::topic_already_exists);
}

// It syncs the producers' snapshot, then the records: the power may go between.
TEST_F(MetadataLossTest, OfWhatKafkaHadNotSyncedAtARollIsNoLoss) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  stop();
  before_start_ = [&](rt::file_system& files) {
    const std::string path = path_of(offset(0), storage::names::log);
    const std::string content = *broker_.disk().content_of(path);
    broker_.disk().put(path, as_bytes(content + content.substr(0, 40)));
    const auto entries = files.list(directory);
    ASSERT_TRUE(entries);
    for (const auto& entry : *entries) {
      const auto end = storage::parse_segment_file_name(entry.name, storage::names::snapshot);
      if (!end) continue;
      const offset rolled = *end + 5;
      EXPECT_TRUE(files.rename(rt::join_path(directory, entry.name), path_of(rolled, storage::names::snapshot)));
      broker_.disk().put(path_of(rolled, storage::names::log), {});
    }
  };
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(create_topic("orders"), errc::topic_already_exists);
}

}  // namespace
}  // namespace moldau::broker
