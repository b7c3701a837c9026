#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster.hpp"
#include "wire/protocol/alter_configs_request.hpp"
#include "wire/protocol/alter_configs_response.hpp"
#include "wire/protocol/incremental_alter_configs_request.hpp"
#include "wire/protocol/incremental_alter_configs_response.hpp"
#include "wire/protocol/update_features_request.hpp"
#include "wire/protocol/update_features_response.hpp"

namespace moldau::metadata {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int config_record = 4;
constexpr int feature_level = 12;
constexpr int clear_elr = 28;
// Operations and resource types as requests number them.
constexpr std::int8_t set = 0;
constexpr std::int8_t remove = 1;
constexpr std::int8_t append_op = 2;
constexpr std::int8_t subtract = 3;
constexpr std::int8_t topic_type = 2;
constexpr std::int8_t broker_type = 4;
constexpr std::int8_t metrics_type = 16;
constexpr std::int8_t group_type = 32;

class ControllerConfigs : public cluster {
 protected:
  ControllerConfigs() {
    add_broker(1);
    create({asked_topic("orders")});
  }

  /// Changes one key; the error's sentence, or "".
  std::string alter(std::int8_t type, std::string_view name, std::string_view key, std::int8_t op,
                    std::optional<std::string_view> value, errc code = errc::none, bool validate_only = false) {
    wire::protocol::incremental_alter_configs_request r;
    r.validate_only = validate_only;
    auto& resource = r.resources.emplace_back();
    resource.resource_type = type;
    resource.resource_name = name;
    auto& c = resource.configs.emplace_back();
    c.name = key;
    c.config_operation = op;
    c.value = value;
    const auto out = append(controller_->incremental_alter_configs(r, 0, arena_)).response.responses.at(0);
    EXPECT_EQ(out.error_code, code) << key << ": " << out.error_message.value_or("");
    return std::string(out.error_message.value_or(""));
  }

  const config_map& orders() { return controller_->latest().config_of(config_resource_type::topic, "orders"); }
};

TEST_F(ControllerConfigs, SetsAndDeletesAKey) {
  alter(topic_type, "orders", "retention.ms", set, "1000");
  EXPECT_THAT(last_, ElementsAre(config_record));
  EXPECT_EQ(orders(), (config_map{{"retention.ms", "1000"}}));
  alter(topic_type, "orders", "retention.ms", remove, std::nullopt);
  EXPECT_TRUE(orders().empty());
}

TEST_F(ControllerConfigs, WritesATopicsKeyOnlyWhenItChangesButABrokersAlways) {
  alter(topic_type, "orders", "retention.ms", set, "1000");
  alter(topic_type, "orders", "retention.ms", set, "1000");
  EXPECT_THAT(last_, IsEmpty());
  alter(broker_type, "1", "log.cleaner.threads", set, "2");
  alter(broker_type, "1", "log.cleaner.threads", set, "2");
  EXPECT_THAT(last_, ElementsAre(config_record));
}

TEST_F(ControllerConfigs, AppendsToAListAndSubtractsFromIt) {
  alter(topic_type, "orders", "cleanup.policy", append_op, "compact");
  EXPECT_EQ(orders().at("cleanup.policy"), "delete,compact");
  alter(topic_type, "orders", "cleanup.policy", subtract, "delete");
  EXPECT_EQ(orders().at("cleanup.policy"), "compact");
}

TEST_F(ControllerConfigs, ClearsEligibleLeadersWhenTheMinimumOfTheIsrChanges) {
  alter(topic_type, "orders", "min.insync.replicas", set, "2");
  EXPECT_THAT(last_, ElementsAre(config_record, clear_elr));
  alter(broker_type, "", "min.insync.replicas", set, "2");
  EXPECT_THAT(last_, ElementsAre(config_record, clear_elr));
}

TEST_F(ControllerConfigs, OnlyLooksWhenAskedToValidate) {
  alter(topic_type, "orders", "retention.ms", set, "1000", errc::none, true);
  EXPECT_THAT(last_, IsEmpty());
  EXPECT_TRUE(orders().empty());
}

TEST_F(ControllerConfigs, KeepsWhatGroupsAndMetricsAreTold) {
  alter(group_type, "g", "consumer.session.timeout.ms", set, "50000");
  alter(metrics_type, "m", "interval.ms", set, "60000");
  EXPECT_EQ(controller_->latest().config_of(config_resource_type::group, "g").size(), 1U);
  EXPECT_EQ(controller_->latest().config_of(config_resource_type::client_metrics, "m").size(), 1U);
}

TEST_F(ControllerConfigs, RefusesInKafkasWords) {
  EXPECT_EQ(alter(topic_type, "orders", "foo", set, "1", errc::invalid_config), "Unknown topic config name: foo");
  EXPECT_EQ(alter(topic_type, "orders", "retention.ms", set, "x", errc::invalid_config),
            "Invalid value x for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(alter(topic_type, "nope", "retention.ms", set, "1", errc::unknown_topic_or_partition),
            "The topic 'nope' does not exist.");
  EXPECT_EQ(alter(topic_type, "orders", "retention.ms", append_op, "5", errc::invalid_config),
            "Can't APPEND to key retention.ms because its type is not LIST.");
  EXPECT_EQ(alter(topic_type, "orders", "cleanup.policy", append_op, "bogus", errc::invalid_config),
            "Invalid value bogus for configuration cleanup.policy: String must be one of: compact, delete");
  EXPECT_EQ(alter(group_type, "", "consumer.session.timeout.ms", set, "5", errc::invalid_request),
            "Default group resources are not allowed.");
  EXPECT_EQ(alter(topic_type, "", "retention.ms", set, "5", errc::invalid_request),
            "Default topic resources are not allowed.");
  EXPECT_EQ(alter(broker_type, "abc", "log.cleaner.threads", set, "5", errc::invalid_request),
            "Unable to parse broker name as a base 10 number.");
  EXPECT_EQ(alter(broker_type, "7", "log.cleaner.threads", set, "5", errc::broker_id_not_registered),
            "No node with id 7 found.");
  EXPECT_EQ(alter(broker_type, "1", "min.insync.replicas", set, "2", errc::invalid_config),
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
  EXPECT_EQ(alter(broker_type, "", "min.insync.replicas", remove, std::nullopt, errc::invalid_config),
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
  alter(99, "x", "y", set, "z", errc::invalid_request);
  alter(topic_type, "orders", "retention.ms", 9, "5", errc::invalid_request);
  alter(topic_type, "orders", "retention.ms", set, std::nullopt, errc::invalid_request);
  EXPECT_TRUE(orders().empty());
}

TEST_F(ControllerConfigs, RefusesAValueThatNoRecordCanHold) {
  const std::string half = std::string(20'000, 'x');
  alter(metrics_type, "m", "metrics", set, half);
  EXPECT_EQ(alter(metrics_type, "m", "metrics", set, half + half, errc::invalid_config),
            "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.");
}

TEST_F(ControllerConfigs, TheOlderRequestReplacesTheWholeSet) {
  alter(topic_type, "orders", "retention.ms", set, "1000");
  alter(topic_type, "orders", "segment.bytes", set, "1048576");
  wire::protocol::alter_configs_request r;
  auto& resource = r.resources.emplace_back();
  resource.resource_type = topic_type;
  resource.resource_name = "orders";
  auto& c = resource.configs.emplace_back();
  c.name = "retention.ms";
  c.value = "5";
  EXPECT_EQ(append(controller_->alter_configs(r, 0, arena_)).response.responses.at(0).error_code, errc::none);
  EXPECT_EQ(orders(), (config_map{{"retention.ms", "5"}}));
  EXPECT_THAT(last_, ElementsAre(config_record, config_record));
}

TEST_F(ControllerConfigs, OneBadKeyLeavesItsResourceAloneAndOthersGoOn) {
  create({asked_topic("other")});
  wire::protocol::incremental_alter_configs_request r;
  for (const std::string_view name : {"orders", "other"}) {
    auto& resource = r.resources.emplace_back();
    resource.resource_type = topic_type;
    resource.resource_name = name;
    auto& good = resource.configs.emplace_back();
    good.name = "retention.ms";
    good.value = "5";
  }
  auto& bad = r.resources[0].configs.emplace_back();
  bad.name = "foo";
  bad.value = "5";
  const auto out = append(controller_->incremental_alter_configs(r, 0, arena_)).response;
  EXPECT_EQ(out.responses.at(0).error_code, errc::invalid_config);
  EXPECT_EQ(out.responses.at(1).error_code, errc::none);
  EXPECT_TRUE(orders().empty());
  EXPECT_EQ(controller_->latest().config_of(config_resource_type::topic, "other").size(), 1U);
}

class ControllerFeatures : public cluster {
 protected:
  ControllerFeatures() { add_broker(1); }

  /// Updates one feature; the error's sentence without what all have in common, or "".
  std::string update(std::string_view name, std::int16_t level, std::int8_t type, bool validate_only = true) {
    constexpr std::string_view common = "The update failed for all features since the following feature had an error: ";
    wire::protocol::update_features_request r;
    r.validate_only = validate_only;
    auto& u = r.feature_updates.emplace_back();
    u.feature = name;
    u.max_version_level = level;
    u.upgrade_type = type;
    const auto out = append(controller_->update_features(r, 2, 0, arena_)).response;
    EXPECT_TRUE(out.results.empty());
    if (out.error_code == errc::none) return "";
    EXPECT_EQ(out.error_code, errc::invalid_update_version);
    EXPECT_TRUE(out.error_message->starts_with(common));
    return std::string(out.error_message->substr(common.size()));
  }
};

TEST_F(ControllerFeatures, RefusesInKafkasWords) {
  EXPECT_EQ(update("metadata.version", 31, 1),
            "Invalid update version 31 for feature metadata.version. Local controller 1 only supports versions 7-30");
  EXPECT_EQ(update("metadata.version", 29, 1),
            "Invalid update version 29 for feature metadata.version. Can't downgrade the version of this feature "
            "without setting the upgrade type to either safe or unsafe downgrade.");
  EXPECT_EQ(update("metadata.version", 29, 2),
            "Unsupported metadata.version downgrade from 30 to 29. Refusing to perform the requested downgrade because "
            "it might delete metadata information.");
  EXPECT_EQ(update("metadata.version", 6, 3),
            "Invalid update version 6 for feature metadata.version. Local controller 1 only supports versions 7-30");
  EXPECT_EQ(update("kraft.version", 0, 2),
            "Invalid update version 0 for feature kraft.version. Can't downgrade the version of this feature.");
  EXPECT_EQ(update("kraft.version", 2, 1),
            "Invalid update version 2 for feature kraft.version. Local controller 1 only supports versions 0-1");
  EXPECT_EQ(update("nope", 1, 1),
            "Invalid update version 1 for feature nope. Local controller 1 does not support this feature.");
  EXPECT_EQ(update("share.version", 9, 1),
            "Invalid update version 9 for feature share.version. Local controller 1 only supports versions 0-1");
  EXPECT_EQ(update("group.version", 0, 2), "");
  EXPECT_EQ(update("metadata.version", 30, 1), "");
  EXPECT_EQ(update("kraft.version", 1, 1), "");
  EXPECT_THAT(last_, IsEmpty());
}

TEST_F(ControllerFeatures, WritesTheNewLevel) {
  EXPECT_EQ(update("streams.version", 0, 2, false), "");
  EXPECT_THAT(last_, ElementsAre(feature_level));
  EXPECT_EQ(controller_->latest().feature_level("streams.version"), 0);
  EXPECT_EQ(update("streams.version", 1, 1, false), "");
  EXPECT_EQ(controller_->latest().feature_level("streams.version"), 1);
}

TEST_F(ControllerFeatures, TellsOlderClientsByFeature) {
  wire::protocol::update_features_request r;
  for (const std::string_view name : {"streams.version", "nope"}) {
    auto& u = r.feature_updates.emplace_back();
    u.feature = name;
    u.max_version_level = 1;
  }
  const auto out = append(controller_->update_features(r, 1, 0, arena_)).response;
  ASSERT_EQ(out.results.size(), 2U);
  EXPECT_EQ(out.results[0].error_code, errc::invalid_update_version) << "all or none";
  EXPECT_EQ(out.results[1].error_code, errc::invalid_update_version);
  EXPECT_THAT(last_, IsEmpty());
}

}  // namespace
}  // namespace moldau::metadata
