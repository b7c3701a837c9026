#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster.hpp"
#include "wire/protocol/allocate_producer_ids_request.hpp"
#include "wire/protocol/allocate_producer_ids_response.hpp"
#include "wire/protocol/assign_replicas_to_dirs_request.hpp"
#include "wire/protocol/assign_replicas_to_dirs_response.hpp"
#include "wire/protocol/unregister_broker_request.hpp"
#include "wire/protocol/unregister_broker_response.hpp"

namespace moldau::metadata {
namespace {

using testing::ElementsAre;

// Record types by their ids.
constexpr int register_broker = 0;
constexpr int unregister_broker = 1;
constexpr int config_record = 4;
constexpr int partition_change = 5;
constexpr int feature_level = 12;
constexpr int producer_ids = 15;
constexpr int registration_change = 17;
constexpr int no_op = 20;
constexpr int begin_transaction = 23;
constexpr int end_transaction = 24;

class ControllerActivation : public cluster {};
class ControllerBrokers : public cluster {};

TEST_F(ControllerActivation, WritesTheBootstrapTransactionAsKafkaDoes) {
  EXPECT_THAT(last_, ElementsAre(begin_transaction, feature_level, feature_level, feature_level, feature_level,
                                 feature_level, feature_level, config_record, end_transaction));
  EXPECT_EQ(controller_->latest().metadata_version(), 30);
  EXPECT_EQ(controller_->latest().config_of(config_resource_type::broker, "").at("min.insync.replicas"), "1");
}

TEST_F(ControllerActivation, WritesNothingOnALogThatHasItsFirstTransaction) {
  auto committed = std::make_shared<image>();
  for (const auto& record : log_) ASSERT_TRUE(apply_record(*committed, as_bytes(record), nullptr));
  committed->seal();
  activate(committed, offset(12));
  EXPECT_TRUE(last_.empty());
}

TEST_F(ControllerActivation, StartsWithTheDefaultLevelsWhereThereIsNoBootstrapFile) {
  controller_->deactivate();
  append(controller_->activate(std::make_shared<image>(), leader_epoch(2), offset(1), {}, 0));
  EXPECT_EQ(controller_->latest().metadata_version(), 30);
  EXPECT_EQ(last_.front(), begin_transaction);
  EXPECT_EQ(last_.back(), end_transaction);
}

TEST_F(ControllerActivation, AbortsWhatItsPredecessorLeftOpen) {
  auto committed = std::make_shared<image>();
  for (const auto& record : log_) ASSERT_TRUE(apply_record(*committed, as_bytes(record), nullptr));
  committed->seal();
  const auto out = controller_->activate(committed, leader_epoch(2), offset(20), {}, 0, true);
  ASSERT_EQ(out.records.size(), 1U);
  EXPECT_EQ(out.records[0].view()[1], std::byte{25});
  EXPECT_EQ(out.first_offset, offset(20));
}

TEST_F(ControllerBrokers, GivesTheOffsetOfTheRegistrationAsEpoch) {
  const auto out = append(controller_->register_broker(registration(1), now_ms_));
  EXPECT_EQ(out.response.error_code, errc::none);
  EXPECT_EQ(out.response.broker_epoch, 12) << "three records of the quorum, nine of the bootstrap transaction";
  EXPECT_EQ(out.first_offset, offset(12));
  EXPECT_THAT(last_, ElementsAre(register_broker));
  const auto* broker = controller_->latest().find_broker(broker_id(1));
  ASSERT_NE(broker, nullptr);
  EXPECT_TRUE(broker->fenced);
  EXPECT_FALSE(broker->rack);
}

TEST_F(ControllerBrokers, RefusesARegistrationThatDoesNotFit) {
  auto other = registration(1);
  other.cluster_id = "another";
  EXPECT_EQ(controller_->register_broker(other, 0).response.error_code, errc::inconsistent_cluster_id);
  auto homeless = registration(1);
  homeless.log_dirs.clear();
  EXPECT_EQ(controller_->register_broker(homeless, 0).response.error_code, errc::invalid_registration);
  auto reserved = registration(1);
  reserved.log_dirs[0] = unassigned_directory;
  EXPECT_EQ(controller_->register_broker(reserved, 0).response.error_code, errc::invalid_registration);
  auto old = registration(1);
  std::erase_if(old.features, [](const auto& f) { return f.name == "metadata.version"; });
  EXPECT_EQ(controller_->register_broker(old, 0).response.error_code, errc::unsupported_version);

  add_broker(1);
  auto same_directory = registration(2);
  same_directory.log_dirs[0] = small_uuid(101);
  EXPECT_EQ(controller_->register_broker(same_directory, 0).response.error_code, errc::invalid_registration);
}

TEST_F(ControllerBrokers, UnfencesABrokerThatHasReadItsRegistration) {
  const auto epoch = append(controller_->register_broker(registration(1), 0)).response.broker_epoch;
  wire::protocol::broker_heartbeat_request r;
  r.broker_id = broker_id(1);
  r.broker_epoch = epoch;
  r.current_metadata_offset = offset(epoch - 1);
  const auto behind = append(controller_->heartbeat(r, 0)).response;
  EXPECT_TRUE(behind.is_fenced);
  EXPECT_FALSE(behind.is_caught_up);
  EXPECT_TRUE(last_.empty());
  r.current_metadata_offset = offset(epoch);
  const auto caught_up = append(controller_->heartbeat(r, 0)).response;
  EXPECT_FALSE(caught_up.is_fenced);
  EXPECT_TRUE(caught_up.is_caught_up);
  EXPECT_THAT(last_, ElementsAre(registration_change));
  r.broker_epoch = epoch + 1;
  EXPECT_EQ(controller_->heartbeat(r, 0).response.error_code, errc::stale_broker_epoch);
}

class ControllerDirectories : public cluster {
 protected:
  /// A broker with two directories, and topic "t" of three partitions on it.
  ControllerDirectories() {
    auto two = registration(1);
    two.log_dirs.push_back(second);
    EXPECT_EQ(append(controller_->register_broker(two, now_ms_)).response.error_code, errc::none);
    EXPECT_FALSE(heartbeat(1).is_fenced);
    EXPECT_EQ(create({asked_topic("t", 3)}).topics.front().error_code, errc::none);
    request_.broker_id = broker_id(1);
    request_.broker_epoch = controller_->latest().find_broker(broker_id(1))->epoch;
  }
  void tell(const uuid& directory, std::vector<std::int32_t> partitions, std::optional<topic_id> topic = {}) {
    auto& of = request_.directories.emplace_back();
    of.id = directory;
    auto& to = of.topics.emplace_back();
    to.topic_id = topic.value_or(controller_->latest().find_topic("t")->id);
    for (const std::int32_t id : partitions) to.partitions.push_back({.partition_index = partition_id(id)});
  }
  wire::protocol::assign_replicas_to_dirs_response assign() {
    return append(controller_->assign_replicas_to_dirs(request_, now_ms_)).response;
  }

  const uuid first = small_uuid(101);
  const uuid second = small_uuid(150);
  wire::protocol::assign_replicas_to_dirs_request request_;
};

TEST_F(ControllerDirectories, AreUnknownUntilABrokerWithSeveralTells) {
  // `DirectoryId.UNASSIGNED`
  EXPECT_EQ(partition_of("t").directory_of(broker_id(1)).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
  tell(first, {0, 2});
  tell(second, {1});
  const auto told = assign();
  EXPECT_EQ(told.error_code, errc::none);
  EXPECT_THAT(last_, ElementsAre(partition_change, partition_change, partition_change));
  ASSERT_EQ(told.directories.size(), 2U);
  EXPECT_EQ(told.directories[0].id, first);
  EXPECT_EQ(told.directories[0].topics.at(0).partitions.at(1).partition_index, partition_id(2));
  EXPECT_EQ(told.directories[0].topics.at(0).partitions.at(1).error_code, errc::none);
  EXPECT_THAT(partition_of("t", 0).directories, ElementsAre(first));
  EXPECT_THAT(partition_of("t", 1).directories, ElementsAre(second));
  EXPECT_THAT(partition_of("t", 2).directories, ElementsAre(first));
  EXPECT_EQ(partition_of("t", 1).leader, broker_id(1));
  EXPECT_EQ(partition_of("t", 1).leader_epoch, leader_epoch(0)) << "the leader stays";
}

TEST_F(ControllerDirectories, AreWrittenOnlyWhenTheyAreNews) {
  tell(first, {0});
  static_cast<void>(assign());
  EXPECT_THAT(last_, ElementsAre(partition_change));
  static_cast<void>(assign());
  EXPECT_TRUE(last_.empty());
}

TEST_F(ControllerDirectories, OfWhatIsNotThereAreRefused) {
  tell(first, {0, 7});
  tell(second, {0}, topic_id(small_uuid(9)));
  auto told = assign();
  EXPECT_EQ(told.directories.at(0).topics.at(0).partitions.at(1).error_code, errc::unknown_topic_or_partition);
  EXPECT_EQ(told.directories.at(1).topics.at(0).partitions.at(0).error_code, errc::unknown_topic_id);
  request_.broker_epoch += 1;
  EXPECT_EQ(assign().error_code, errc::stale_broker_epoch);
  add_broker(2);
  request_.broker_id = broker_id(2);
  request_.broker_epoch = controller_->latest().find_broker(broker_id(2))->epoch;
  told = assign();
  EXPECT_EQ(told.directories.at(0).topics.at(0).partitions.at(0).error_code, errc::not_leader_or_follower);
}

TEST_F(ControllerDirectories, ThatHaveFailedCostTheLead) {
  tell(small_uuid(200), {0});
  EXPECT_EQ(assign().directories.at(0).topics.at(0).partitions.at(0).error_code, errc::none);
  EXPECT_EQ(partition_of("t", 0).leader, no_broker);
  EXPECT_THAT(partition_of("t", 0).directories, ElementsAre(small_uuid(200)));
}

TEST_F(ControllerBrokers, MovesLeadershipAwayInAControlledShutdownThenFences) {
  add_broker(1);
  create({asked_topic("t", 2)});
  const auto first = heartbeat(1, true);
  EXPECT_FALSE(first.should_shut_down);
  EXPECT_THAT(last_, ElementsAre(registration_change, partition_change, partition_change));
  // What Kafka writes for the only replica: nobody leads, the replica stays eligible.
  const partition& p = partition_of("t");
  EXPECT_EQ(p.leader, no_broker);
  EXPECT_TRUE(p.isr.empty());
  EXPECT_THAT(p.eligible_leader_replicas, ElementsAre(broker_id(1)));
  EXPECT_THAT(p.last_known_eligible_leader_replicas, ElementsAre(broker_id(1)));
  EXPECT_EQ(p.leader_epoch, leader_epoch(1));

  const auto second = heartbeat(1, true);
  EXPECT_TRUE(second.should_shut_down);
  EXPECT_THAT(last_, ElementsAre(registration_change));
  EXPECT_TRUE(controller_->latest().find_broker(broker_id(1))->fenced);
}

TEST_F(ControllerBrokers, ElectsABrokerAgainAfterACleanRestart) {
  add_broker(1);
  create({asked_topic("t")});
  heartbeat(1, true);
  heartbeat(1, true);
  auto again = registration(1, 2);
  again.previous_broker_epoch = controller_->latest().find_broker(broker_id(1))->epoch;
  append(controller_->register_broker(again, 0));
  EXPECT_THAT(last_, ElementsAre(register_broker));
  heartbeat(1);
  EXPECT_THAT(last_, ElementsAre(registration_change, partition_change));
  const partition& p = partition_of("t");
  EXPECT_EQ(p.leader, broker_id(1));
  EXPECT_THAT(p.isr, ElementsAre(broker_id(1)));
  EXPECT_TRUE(p.eligible_leader_replicas.empty());
  EXPECT_TRUE(p.last_known_eligible_leader_replicas.empty());
  EXPECT_FALSE(p.recovering);
  EXPECT_EQ(p.leader_epoch, leader_epoch(2));
}

TEST_F(ControllerBrokers, ElectsTheLastKnownLeaderAfterACrash) {
  add_broker(1);
  create({asked_topic("t")});
  // The node was killed: log and controller are back, the broker comes with a new incarnation.
  auto committed = std::make_shared<image>();
  for (const auto& record : log_) ASSERT_TRUE(apply_record(*committed, as_bytes(record), nullptr));
  committed->seal();
  activate(committed, offset(100));
  ASSERT_EQ(append(controller_->register_broker(registration(1, 2), 0)).response.error_code, errc::none);
  EXPECT_THAT(last_, ElementsAre(partition_change, register_broker));
  EXPECT_TRUE(partition_of("t").eligible_leader_replicas.empty()) << "a killed broker may lack records";
  heartbeat(1);
  const partition& p = partition_of("t");
  EXPECT_EQ(p.leader, broker_id(1));
  EXPECT_THAT(p.isr, ElementsAre(broker_id(1)));
  EXPECT_TRUE(p.recovering);
}

TEST_F(ControllerBrokers, RefusesASecondBrokerOfTheSameIdWhileTheFirstIsAlive) {
  add_broker(2);
  EXPECT_EQ(controller_->register_broker(registration(2, 9), now_ms_).response.error_code,
            errc::duplicate_broker_registration);
  EXPECT_EQ(controller_->register_broker(registration(2, 9), now_ms_ + 9000).response.error_code, errc::none);
}

TEST_F(ControllerBrokers, FencesABrokerThatIsSilentAndMovesItsLeadership) {
  add_broker(1);
  add_broker(2);
  create({asked_topic("t", 1, 2)});
  const broker_id leader = partition_of("t").leader;
  const broker_id other = leader == broker_id(1) ? broker_id(2) : broker_id(1);
  now_ms_ = 8000;
  heartbeat(other.value());
  EXPECT_EQ(controller_->next_poll_ms(), 9000);
  EXPECT_TRUE(controller_->poll(8999).records.empty());
  append(controller_->poll(9000));
  EXPECT_THAT(last_, ElementsAre(partition_change, registration_change));
  EXPECT_EQ(partition_of("t").leader, other);
  EXPECT_THAT(partition_of("t").isr, ElementsAre(other));
}

TEST_F(ControllerBrokers, WritesANoOpRecordWhenTheLogIsIdle) {
  auto committed = std::make_shared<image>();
  for (const auto& record : log_) ASSERT_TRUE(apply_record(*committed, as_bytes(record), nullptr));
  committed->seal();
  controller c({.node = broker_id(1),
                .cluster_id = std::string(test_cluster_id),
                .config = config_.get(),
                .random = [] { return 1; },
                .max_idle_interval_ms = 500});
  ASSERT_TRUE(c.activate(committed, leader_epoch(1), offset(10), {}, 1000).records.empty());
  EXPECT_EQ(c.next_poll_ms(), 1500);
  EXPECT_TRUE(c.poll(1499).records.empty());
  const auto out = c.poll(1500);
  ASSERT_EQ(out.records.size(), 1U);
  EXPECT_EQ(out.records[0].view()[1], std::byte{no_op});
  EXPECT_EQ(c.next_poll_ms(), 2000);
}

TEST_F(ControllerBrokers, TakesABrokerOutOfThePartitionsThatItLeaves) {
  add_broker(1);
  add_broker(2);
  create({asked_topic("t", 1, 2)});
  wire::protocol::unregister_broker_request r;
  r.broker_id = broker_id(9);
  EXPECT_EQ(controller_->unregister_broker(r, 0, arena_).response.error_message,
            "Broker ID 9 is not currently registered");
  r.broker_id = broker_id(2);
  EXPECT_EQ(append(controller_->unregister_broker(r, 0, arena_)).response.error_code, errc::none);
  EXPECT_THAT(last_, ElementsAre(partition_change, unregister_broker));
  EXPECT_EQ(controller_->latest().find_broker(broker_id(2)), nullptr);
  EXPECT_THAT(partition_of("t").isr, ElementsAre(broker_id(1)));
}

TEST_F(ControllerBrokers, GivesOutProducerIdsInBlocksOfAThousand) {
  add_broker(1);
  wire::protocol::allocate_producer_ids_request r;
  r.broker_id = broker_id(1);
  r.broker_epoch = controller_->latest().find_broker(broker_id(1))->epoch;
  const auto first = append(controller_->allocate_producer_ids(r, 0)).response;
  EXPECT_THAT(last_, ElementsAre(producer_ids));
  const auto second = append(controller_->allocate_producer_ids(r, 0)).response;
  EXPECT_EQ(first.producer_id_start, producer_id(0));
  EXPECT_EQ(first.producer_id_len, 1000);
  EXPECT_EQ(second.producer_id_start, producer_id(1000));
  r.broker_epoch = 1;
  EXPECT_EQ(controller_->allocate_producer_ids(r, 0).response.error_code, errc::stale_broker_epoch);
}

}  // namespace
}  // namespace moldau::metadata
