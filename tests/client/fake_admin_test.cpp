#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "moldau/client/admin.hpp"
#include "tests/client/playground.hpp"

namespace moldau::client {
namespace {

using ::testing::HasSubstr;
using testing::kafka_release;

/// Admin calls that look at what the fake brokers say of themselves.
class FakeAdmin : public ::testing::Test {
 protected:
  template <typename T>
  result<T> wait(async<T> what) {
    return in.run([](async<T> inner) -> rt::task<result<T>> { co_return co_await std::move(inner); }(std::move(what)));
  }

  playground in{{.brokers = 4, .topics = {{.name = "t", .partitions = 2}, {.name = "u"}}}};
  admin by = admin::make(in.to_cluster()).value();
};

TEST_F(FakeAdmin, LogDirsHoldWhatABrokerHasReplicasOf) {
  const topic_partition first{"t", partition_id(0)};
  ASSERT_TRUE(in.cluster().append(first, {.value = "value"}));
  ASSERT_TRUE(in.cluster().set_disk_full(broker_id(1), true));
  const auto got = wait(by.describe_log_dirs());
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), 4U);
  std::size_t copies = 0;
  for (const auto& [id, told] : *got) {
    ASSERT_TRUE(told) << told.error().message;
    ASSERT_EQ(told->size(), 1U);
    const described_log_dir& directory = told->front();
    EXPECT_EQ(directory.state, errc::none);
    for (const log_dir_replica& replica : directory.replicas) {
      if (replica.partition != first) {
        EXPECT_EQ(replica.size_bytes, 0);
        continue;
      }
      ++copies;
      EXPECT_GT(replica.size_bytes, 61);
      EXPECT_EQ(directory.total_bytes - directory.usable_bytes,
                id == broker_id(1) ? directory.total_bytes : replica.size_bytes);
    }
  }
  EXPECT_EQ(copies, 3U) << "a topic has three replicas";
}

TEST_F(FakeAdmin, TheQuorumIsTheBrokersAndKnowsWhoIsAway) {
  const auto before = wait(by.describe_quorum());
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->leader, broker_id(1));
  ASSERT_EQ(before->voters.size(), 4U);
  for (const quorum_replica& voter : before->voters) EXPECT_EQ(voter.log_end_offset, before->high_watermark);

  ASSERT_TRUE(in.cluster().stop_broker(broker_id(1)));
  const auto after = wait(by.describe_quorum());
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->leader, broker_id(2));
  EXPECT_LT(after->voters.front().log_end_offset, after->high_watermark);
  EXPECT_EQ(after->voters.front().last_caught_up_ms, -1);
}

TEST_F(FakeAdmin, FeaturesGoUpAndDownWithinWhatTheBrokersCan) {
  const auto before = wait(by.describe_features()).value();
  EXPECT_EQ(before.features.at("group.version").finalized, 1);
  ASSERT_EQ(before.features.at("metadata.version").supported_most, 30);

  const auto down = wait(
      by.update_features({{.feature = "group.version", .level = 0, .what = feature_change::kind::safe_downgrade},
                          {.feature = "metadata.version", .level = 25, .what = feature_change::kind::safe_downgrade}}));
  ASSERT_TRUE(down) << down.error().message;
  for (const auto& [name, outcome] : *down) EXPECT_TRUE(outcome) << name;
  const auto after = wait(by.describe_features()).value();
  EXPECT_EQ(after.features.at("group.version").finalized, std::nullopt);
  EXPECT_EQ(after.features.at("metadata.version").finalized, 25);
  EXPECT_GT(after.epoch, before.epoch);

  ASSERT_TRUE(wait(by.update_features({{.feature = "group.version", .level = 1}}, true)));
  EXPECT_EQ(wait(by.describe_features())->features.at("group.version").finalized, std::nullopt) << "only validated";
  ASSERT_TRUE(wait(by.update_features({{.feature = "group.version", .level = 1}})));
  EXPECT_EQ(wait(by.describe_features())->features.at("group.version").finalized, 1);
}

TEST_F(FakeAdmin, AFeatureThatCannotBeChangedSoLeavesAllAsTheyAre) {
  const auto epoch = wait(by.describe_features())->epoch;
  const std::vector<std::pair<feature_change, std::string>> wrong{
      {{.feature = "group.version", .level = 2}, "the brokers have 0 to 1"},
      {{.feature = "metadata.version", .level = 7}, "a downgrade wasn't asked for"},
      {{.feature = "magic", .level = 1}, "the brokers don't know it"}};
  for (const auto& [change, why] : wrong) {
    const auto refused = wait(by.update_features(
        {{.feature = "transaction.version", .level = 1, .what = feature_change::kind::safe_downgrade}, change}));
    ASSERT_FALSE(refused) << change.feature;
    EXPECT_EQ(refused.error().code, errc::invalid_update_version);
    EXPECT_THAT(refused.error().message, HasSubstr(why));
  }
  EXPECT_EQ(wait(by.describe_features())->epoch, epoch);
  EXPECT_EQ(wait(by.describe_features())->features.at("transaction.version").finalized, 2);
}

TEST(FakeAdminOf28, HasNoQuorumAndNoFeatures) {
  playground in({.topics = {{.name = "t"}}, .release = kafka_release::v2_8});
  auto by = admin::make(in.to_cluster()).value();
  const auto wait = [&](auto what) {
    return in.run(
        [](auto inner) -> rt::task<decltype(inner.get())> { co_return co_await std::move(inner); }(std::move(what)));
  };
  EXPECT_EQ(wait(by.describe_quorum()).error().code, errc::unsupported_version);
  EXPECT_TRUE(wait(by.describe_features())->features.empty());
  EXPECT_TRUE(wait(by.describe_log_dirs())->at(broker_id(1)));
}

}  // namespace
}  // namespace moldau::client
