#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "broker/tests/broker_fixture.hpp"
#include "wire/protocol/alter_configs_request.hpp"
#include "wire/protocol/alter_configs_response.hpp"
#include "wire/protocol/create_partitions_request.hpp"
#include "wire/protocol/create_partitions_response.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"
#include "wire/protocol/describe_configs_request.hpp"
#include "wire/protocol/describe_configs_response.hpp"
#include "wire/protocol/describe_producers_request.hpp"
#include "wire/protocol/describe_producers_response.hpp"
#include "wire/protocol/update_features_request.hpp"
#include "wire/protocol/update_features_response.hpp"

namespace moldau::broker {
namespace {

using testing::broker_fixture;
namespace protocol = wire::protocol;

constexpr std::size_t longest = 32'767;
constexpr std::int8_t topic_resource = 2;
constexpr std::int8_t broker_resource = 4;

/// Requests with the longest names that a request can hold: an error's message that repeats one must still fit.
class LongNamesTest : public broker_fixture {
 public:
  LongNamesTest() {
    start();
    EXPECT_EQ(create_topic("t"), errc::none);
    // Of characters of two bytes, so that a cut may fall inside one.
    name_ = "x";
    while (name_.size() < longest) name_ += "é";
  }

  /// The message is an error's, as much of it as fits, and ends with a character.
  static void check(errc code, std::optional<std::string_view> message) {
    EXPECT_NE(code, errc::none);
    if (!message) return;
    EXPECT_LE(message->size(), longest);
    EXPECT_TRUE(message->size() < longest - 1 || !message->ends_with("\xC3"));
  }

  std::string name_;
};

TEST_F(LongNamesTest, OfTopicsAreAnswered) {
  protocol::create_topics_request create;
  auto& topic = create.topics.emplace_back();
  topic.name = name_;
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  const auto created = ask<protocol::create_topics_response>(create, 7);
  const auto& told = created.message.topics.front();
  check(told.error_code, told.error_message);
  EXPECT_GE(told.error_message->size(), longest - 1) << "no more is cut than must be";

  protocol::delete_topics_request remove;
  remove.topics.emplace_back().name = name_;
  const auto deleted = ask<protocol::delete_topics_response>(remove, 6);
  check(deleted.message.responses.front().error_code, deleted.message.responses.front().error_message);

  protocol::create_partitions_request grow;
  grow.topics.push_back({.name = name_, .count = 3});
  const auto grown = ask<protocol::create_partitions_response>(grow, 3);
  check(grown.message.results.front().error_code, grown.message.results.front().error_message);

  protocol::describe_producers_request describe;
  describe.topics.push_back({.name = name_, .partition_indexes = {partition_id(0)}});
  const auto described = ask<protocol::describe_producers_response>(describe, 0);
  const auto& of_partition = described.message.topics.front().partitions.front();
  check(of_partition.error_code, of_partition.error_message);
}

TEST_F(LongNamesTest, OfConfiguredResourcesAreAnswered) {
  for (const std::int8_t type : {topic_resource, broker_resource}) {
    protocol::describe_configs_request describe;
    describe.resources.push_back({.resource_type = type, .resource_name = name_});
    const auto described = ask<protocol::describe_configs_response>(describe, 4);
    check(described.message.results.front().error_code, described.message.results.front().error_message);

    protocol::alter_configs_request alter;
    alter.resources.push_back({.resource_type = type, .resource_name = name_});
    const auto altered = ask<protocol::alter_configs_response>(alter, 2);
    check(altered.message.responses.front().error_code, altered.message.responses.front().error_message);

    protocol::incremental_alter_configs_request change;
    change.resources.push_back({.resource_type = type, .resource_name = name_});
    const auto changed = ask<protocol::incremental_alter_configs_response>(change, 1);
    check(changed.message.responses.front().error_code, changed.message.responses.front().error_message);
  }
}

TEST_F(LongNamesTest, OfPropertiesAndTheirValuesAreAnswered) {
  const auto alter = [&](std::int8_t type, std::string_view resource, std::string_view name, std::string_view value,
                         std::int8_t operation) {
    protocol::incremental_alter_configs_request change;
    auto& to = change.resources.emplace_back();
    to.resource_type = type;
    to.resource_name = resource;
    to.configs.push_back({.name = name, .config_operation = operation, .value = value});
    const auto changed = ask<protocol::incremental_alter_configs_response>(change, 1);
    check(changed.message.responses.front().error_code, changed.message.responses.front().error_message);
  };
  // Set, append, subtract, and none that exists; to delete what isn't set is no error.
  for (const std::int8_t operation : {0, 2, 3, 4}) alter(topic_resource, "t", name_, "1", operation);
  alter(topic_resource, "t", "retention.ms", name_, 0);
  alter(topic_resource, "t", "cleanup.policy", name_, 2);
  alter(broker_resource, "", "log.retention.ms", name_, 0);
  alter(broker_resource, "", "advertised.listeners", name_, 0);

  protocol::create_topics_request create;
  auto& topic = create.topics.emplace_back();
  topic.name = "other";
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  topic.configs.push_back({.name = "retention.ms", .value = name_});
  const auto created = ask<protocol::create_topics_response>(create, 7);
  check(created.message.topics.front().error_code, created.message.topics.front().error_message);
}

TEST_F(LongNamesTest, OfFeaturesAreAnswered) {
  protocol::update_features_request update;
  update.feature_updates.push_back({.feature = name_, .max_version_level = 1, .upgrade_type = 1});
  const auto all = ask<protocol::update_features_response>(update, 2);
  check(all.message.error_code, all.message.error_message);
  const auto each = ask<protocol::update_features_response>(update, 1);
  check(each.message.results.front().error_code, each.message.results.front().error_message);
}

}  // namespace
}  // namespace moldau::broker
