#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/tests/broker_fixture.hpp"
#include "broker/wiring/directory_assignment.hpp"
#include "storage/file_names.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"

namespace moldau::broker {
namespace {

using testing::broker_fixture;
namespace protocol = wire::protocol;

/// Several log directories: which of them the metadata has each partition in, and which it lies in.
class DirectoriesTest : public broker_fixture {
 public:
  static constexpr std::string_view two = "log.dirs=/data,/more\n";

  const metadata::topic& topic(std::string_view name) { return *node_->view().image->find_topic(name); }
  directory_id of_metadata(std::string_view name, std::int32_t partition) {
    return topic(name).find(partition_id(partition))->directory_of(broker_id(1));
  }
  directory_id of_log(std::string_view name, std::int32_t partition) {
    const auto& known = node_->logs().logs().at({.topic = topic(name).id, .partition = partition_id(partition)});
    return node_->logs().directory_ids().at(known.directory);
  }
  /// Until the controller has been told and the image says so too.
  void settle() { world_.run_for(std::chrono::seconds(1)); }
};

TEST_F(DirectoriesTest, OneIsInTheMetadataFromTheStart) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  EXPECT_EQ(of_metadata("orders", 0), node_->logs().directory_ids().at(0));
  EXPECT_FALSE(of_metadata("orders", 0).is_zero());
}

TEST_F(DirectoriesTest, SeveralAreToldToTheController) {
  start(two);
  ASSERT_EQ(create_topic("orders", 6), errc::none);
  settle();
  std::map<directory_id, int> logs;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(of_metadata("orders", i), of_log("orders", i)) << i;
    ++logs[of_log("orders", i)];
  }
  ASSERT_EQ(logs.size(), 2U);
  EXPECT_EQ(logs.begin()->second, 3);
  EXPECT_EQ(topic("orders").find(partition_id(0))->leader_epoch, leader_epoch(0)) << "the leader stays";
}

TEST_F(DirectoriesTest, AreKeptOverARestart) {
  start(two);
  ASSERT_EQ(create_topic("orders", 4), errc::none);
  settle();
  std::vector<directory_id> before;
  for (int i = 0; i < 4; ++i) before.push_back(of_metadata("orders", i));
  stop();
  start(two);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(of_log("orders", i), before[static_cast<std::size_t>(i)]);
    EXPECT_EQ(of_metadata("orders", i), before[static_cast<std::size_t>(i)]);
  }
}

TEST_F(DirectoriesTest, AreToldAnewWhenALogWasMoved) {
  start(two);
  ASSERT_EQ(create_topic("orders", 2), errc::none);
  settle();
  const directory_id before = of_log("orders", 0);
  const bool was_first = before == node_->logs().directory_ids().at(0);
  stop();
  const std::string folder = "/" + storage::partition_directory_name("orders", partition_id(0));
  before_start_ = [&](rt::file_system& files) {
    const auto moved = files.rename((was_first ? "/data" : "/more") + folder, (was_first ? "/more" : "/data") + folder);
    EXPECT_TRUE(moved);
  };
  start(two);
  settle();
  EXPECT_NE(of_log("orders", 0), before);
  EXPECT_EQ(of_metadata("orders", 0), of_log("orders", 0));
}

TEST_F(DirectoriesTest, OfTheMetadataAreWhereALostLogIsMadeAnew) {
  start(two);
  const std::array<std::string_view, 4> names{"orders", "b", "c", "d"};
  for (const std::string_view name : names) ASSERT_EQ(create_topic(name), errc::none);
  settle();
  const directory_id wanted = of_metadata("orders", 0);
  // The other directory becomes the emptier one, where a new log would go.
  protocol::delete_topics_request remove;
  for (const std::string_view name : names) {
    if (of_log(name, 0) != wanted) remove.topics.emplace_back().name = name;
  }
  ASSERT_EQ(remove.topics.size(), 2U);
  ask<protocol::delete_topics_response>(remove, 6);
  const std::string in = wanted == node_->logs().directory_ids().at(0) ? "/data" : "/more";
  stop();
  before_start_ = [&](rt::file_system& files) {
    EXPECT_TRUE(files.remove_all(rt::join_path(in, storage::partition_directory_name("orders", partition_id(0)))));
    EXPECT_TRUE(files.sync_directory(in));
  };
  start(two);
  EXPECT_EQ(of_log("orders", 0), wanted);
  EXPECT_EQ(of_metadata("orders", 0), wanted);
}

// Before anything is appended to a log its partition.metadata is on the disk: without it, nothing belongs to a topic.
TEST_F(DirectoriesTest, OfALogThatNamesNoTopicIdStepAside) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  ASSERT_EQ(produce_values("orders", {"a"}).error, errc::none);
  const topic_id id = topic("orders").id;
  stop();
  const std::string log = *broker_.disk().content_of("/data/orders-0/00000000000000000000.log");
  const std::string metadata = *broker_.disk().content_of("/data/orders-0/partition.metadata");
  before_start_ = [](rt::file_system& files) {
    EXPECT_TRUE(files.remove("/data/orders-0/partition.metadata"));
    EXPECT_TRUE(files.sync_directory("/data/orders-0"));
  };
  start();
  EXPECT_EQ(topic("orders").id, id);
  EXPECT_EQ(broker_.disk().content_of("/data/orders-0/partition.metadata"), metadata);
  EXPECT_EQ(produce_values("orders", {"b"}).base, offset(0));
  std::vector<std::string> aside;
  for (const std::string& path : broker_.disk().files()) {
    if (path.find("data/orders-0.") != std::string::npos && path.ends_with("-stray/00000000000000000000.log")) {
      aside.push_back(*broker_.disk().content_of("/" + path));
    }
  }
  EXPECT_EQ(aside, std::vector{log});
}

TEST(RefusedDirectories, AreThoseOfPartitionsThatTheControllerKnows) {
  const topic_id id = *uuid::parse("AAAAAAAAAAAAAAAAAAAAAg");
  protocol::assign_replicas_to_dirs_response answer;
  auto& of = answer.directories.emplace_back().topics.emplace_back();
  of.topic_id = id;
  of.partitions.push_back({.partition_index = partition_id(0), .error_code = errc::none});
  of.partitions.push_back({.partition_index = partition_id(1), .error_code = errc::not_leader_or_follower});
  of.partitions.push_back({.partition_index = partition_id(2), .error_code = errc::unknown_topic_or_partition});
  of.partitions.push_back({.partition_index = partition_id(3), .error_code = errc::unknown_topic_id});
  EXPECT_EQ(refused(answer),
            (std::vector{std::pair{topic_id_partition{id, partition_id(1)}, errc::not_leader_or_follower}}));
}

}  // namespace
}  // namespace moldau::broker
