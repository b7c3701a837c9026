#include "config/topic_config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace moldau::config {
namespace {

broker_config broker(const settings& overrides = {}) {
  return *broker_config::default_standalone(overrides).config;
}

described_config entry(const broker_config& of, const settings& overrides, std::string_view name) {
  const auto all = describe_topic(of, overrides);
  return *std::ranges::find(all, name, &described_config::name);
}

std::string refusal(const settings& overrides) {
  const auto valid = validate_topic_config(broker(), overrides);
  return valid ? "accepted" : valid.error().message;
}

TEST(TopicConfig, HasKafkasDefaultsWhenNothingIsSet) {
  EXPECT_EQ(effective_topic_config(broker(), {}), topic_config{});
}

TEST(TopicConfig, PutsTheTopicOverTheBroker) {
  const broker_config of = broker({{"log.retention.minutes", "5"}, {"log.segment.bytes", "2097152"}});
  const topic_config config = effective_topic_config(
      of, {{"segment.bytes", "3145728"}, {"cleanup.policy", "compact"}, {"message.timestamp.type", "LogAppendTime"}});
  EXPECT_EQ(config.retention_ms, 300'000);
  EXPECT_EQ(config.segment_bytes, 3'145'728);
  EXPECT_TRUE(config.cleanup_compact);
  EXPECT_FALSE(config.cleanup_delete);
  EXPECT_EQ(config.message_timestamp_type, moldau::timestamp_type::log_append_time);
}

TEST(TopicConfig, FollowsDynamicBrokerSettings) {
  broker_config of = broker({{"log.retention.hours", "1"}});
  EXPECT_EQ(effective_topic_config(of, {}).retention_ms, 3'600'000);
  EXPECT_TRUE(of.apply_dynamic({{"log.retention.ms", "77"}, {"log.roll.ms", "9"}}, {}).empty());
  EXPECT_EQ(effective_topic_config(of, {}).retention_ms, 77);
  EXPECT_EQ(effective_topic_config(of, {}).segment_ms, 9);
}

TEST(TopicConfig, OpensALogWhoseSettingsItCannotRead) {
  EXPECT_EQ(effective_topic_config(broker(), {{"segment.bytes", "huge"}, {"from.the.future", "1"}}), topic_config{});
}

TEST(TopicConfig, AllowsNoCleanupAtAll) {
  const topic_config config = effective_topic_config(broker(), {{"cleanup.policy", ""}});
  EXPECT_FALSE(config.cleanup_compact || config.cleanup_delete);
}

TEST(ValidateTopicConfig, RefusesInTheWordsThatClientsKnow) {
  EXPECT_EQ(refusal({{"retention.ms", "86400000"}, {"cleanup.policy", "compact,delete"}}), "accepted");
  EXPECT_EQ(refusal({{"retention.mss", "1"}}), "Unknown topic config name: retention.mss");
  EXPECT_EQ(refusal({{"retention.ms", "abc"}}),
            "Invalid value abc for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(refusal({{"min.compaction.lag.ms", "5"}, {"max.compaction.lag.ms", "3"}}),
            "conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (3)");
  EXPECT_EQ(refusal({{"remote.storage.enable", "true"}}),
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log "
            "storage.");
}

TEST(ValidateTopicConfig, WeighsTheTopicAgainstTheBrokersValues) {
  EXPECT_FALSE(
      validate_topic_config(broker({{"log.cleaner.max.compaction.lag.ms", "10"}}), {{"min.compaction.lag.ms", "11"}}));
}

TEST(DescribeTopic, ShowsTheChainOfSynonyms) {
  broker_config of = broker({{"log.retention.hours", "2"}});
  EXPECT_TRUE(of.apply_dynamic({{"log.retention.ms", "50"}}, {{"log.retention.ms", "60"}}).empty());
  const described_config retention = entry(of, {{"retention.ms", "70"}}, "retention.ms");
  EXPECT_EQ(retention.value, "70");
  EXPECT_EQ(retention.source, config_source::dynamic_topic);
  EXPECT_EQ(retention.type, 5);
  EXPECT_EQ(retention.synonyms, (std::vector<synonym>{{"retention.ms", "70", config_source::dynamic_topic},
                                                      {"log.retention.ms", "60", config_source::dynamic_broker},
                                                      {"log.retention.ms", "50", config_source::dynamic_default_broker},
                                                      {"log.retention.hours", "2", config_source::static_broker},
                                                      {"log.retention.hours", "168", config_source::default_value}}));
}

TEST(DescribeTopic, NamesTheSourceOfEachValue) {
  EXPECT_EQ(entry(broker(), {}, "segment.bytes").source, config_source::default_value);
  EXPECT_EQ(entry(broker({{"log.segment.bytes", "2097152"}}), {}, "segment.bytes").source,
            config_source::static_broker);
  EXPECT_EQ(entry(broker(), {}, "remote.storage.enable").source, config_source::default_value);
  EXPECT_EQ(entry(broker(), {}, "cleanup.policy").value, "delete");
}

TEST(DescribeTopic, HidesWhatItDoesNotKnow) {
  const described_config unknown = entry(broker(), {{"from.the.future", "1"}}, "from.the.future");
  EXPECT_TRUE(unknown.sensitive);
  EXPECT_EQ(unknown.value, std::nullopt);
}

}  // namespace
}  // namespace moldau::config
