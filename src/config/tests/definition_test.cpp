#include "config/definition.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "config/value.hpp"

namespace moldau::config {
namespace {

std::string shown(std::string_view name) {
  const definition* def = find_broker_definition(name);
  return def == nullptr ? "none" : to_text(default_of(*def)).value_or("null");
}

TEST(Definitions, AreAsManyAsKafkaHasAndMoldauAdds) {
  std::size_t own = 0;
  for (const definition* def : broker_definitions()) {
    if (def->name.starts_with("moldau.") || def->name == "log.flush.ack") ++own;
  }
  EXPECT_EQ(own, 7U);
  EXPECT_EQ(broker_definitions().size() - own, 340U);
  EXPECT_EQ(topic_definitions().size(), 33U);
}

TEST(Definitions, AreEachThereOnceWithASentence) {
  std::set<std::string_view> names;
  for (const definition* def : broker_definitions()) {
    EXPECT_TRUE(names.insert(def->name).second) << def->name;
    EXPECT_TRUE(def->doc.ends_with('.')) << def->name;
  }
}

TEST(Definitions, HaveDefaultsThatPassTheirOwnRules) {
  for (const auto all : {broker_definitions(), topic_definitions()}) {
    for (const definition* def : all) {
      if (!def->default_value) continue;
      const auto parsed = parse_value(*def, *def->default_value);
      ASSERT_TRUE(parsed) << parsed.error().message;
      EXPECT_EQ(to_text(*parsed), def->default_value) << def->name;
    }
  }
}

TEST(Definitions, CarryKafkasDefaults) {
  EXPECT_EQ(shown("message.max.bytes"), "1048588");
  EXPECT_EQ(shown("log.retention.hours"), "168");
  EXPECT_EQ(shown("log.retention.ms"), "null");
  EXPECT_EQ(shown("listeners"), "PLAINTEXT://:9092");
  EXPECT_EQ(shown("log.cleaner.io.max.bytes.per.second"), "1.7976931348623157E308");
  EXPECT_EQ(shown("log.cleaner.min.cleanable.ratio"), "0.5");
  EXPECT_EQ(shown("group.coordinator.rebalance.protocols"), "classic,consumer,streams");
  EXPECT_EQ(shown("log.flush.ack"), "true");
}

TEST(Definitions, SayWhatMayChangeAtRunTime) {
  EXPECT_EQ(find_broker_definition("log.retention.ms")->update, update_mode::cluster_wide);
  EXPECT_EQ(find_broker_definition("log.retention.hours")->update, update_mode::read_only);
  EXPECT_EQ(find_broker_definition("listeners")->update, update_mode::per_broker);
}

TEST(Definitions, MapEachTopicPropertyToBrokerPropertiesThatExist) {
  std::size_t with = 0;
  for (const definition* def : topic_definitions()) {
    for (const std::string_view name : topic_synonyms(def->name)) {
      EXPECT_NE(find_broker_definition(name), nullptr) << name;
    }
    if (!topic_synonyms(def->name).empty()) ++with;
  }
  EXPECT_EQ(with, 28U);
}

TEST(Definitions, GiveTheNearestNameToATypo) {
  EXPECT_EQ(nearest_broker_name("log.retension.ms"), "log.retention.ms");
  EXPECT_EQ(nearest_broker_name("num.partitons"), "num.partitions");
  EXPECT_EQ(nearest_topic_name("clenaup.policy"), "cleanup.policy");
  EXPECT_EQ(nearest_broker_name("something.else.entirely"), "");
  EXPECT_EQ(nearest_broker_name(std::string(100'000, 'x')), "");
}

}  // namespace
}  // namespace moldau::config
