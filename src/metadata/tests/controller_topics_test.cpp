#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cluster.hpp"
#include "wire/protocol/create_partitions_request.hpp"
#include "wire/protocol/create_partitions_response.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"

namespace moldau::metadata {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int topic_record = 2;
constexpr int partition_record = 3;
constexpr int config_record = 4;
constexpr int remove_topic = 9;

using asked = wire::protocol::create_topics_request::creatable_topic;

class ControllerTopics : public cluster {
 protected:
  ControllerTopics() { add_broker(1); }

  static asked assigned(std::string_view name, std::vector<std::pair<int, std::vector<int>>> assignments) {
    asked out;
    out.name = name;
    out.num_partitions = -1;
    out.replication_factor = -1;
    for (const auto& [index, brokers] : assignments) {
      auto& a = out.assignments.emplace_back();
      a.partition_index = partition_id(index);
      for (const int b : brokers) a.broker_ids.emplace_back(b);
    }
    return out;
  }

  static asked with_config(asked topic, std::string_view name, std::optional<std::string_view> value) {
    auto& c = topic.configs.emplace_back();
    c.name = name;
    c.value = value;
    return topic;
  }

  /// Creates one topic that is to fail; "" when it doesn't.
  std::string refusal(const asked& topic, errc code) {
    const auto out = create({topic}).topics.at(0);
    EXPECT_EQ(out.error_code, code) << topic.name;
    EXPECT_THAT(last_, IsEmpty());
    return std::string(out.error_message.value_or(""));
  }

  std::string grow(std::string_view name, std::int32_t count, std::optional<std::vector<std::vector<int>>> assignments,
                   bool validate_only = false) {
    wire::protocol::create_partitions_request r;
    r.validate_only = validate_only;
    auto& t = r.topics.emplace_back();
    t.name = name;
    t.count = count;
    t.assignments.reset();
    if (assignments) {
      t.assignments.emplace();
      for (const auto& brokers : *assignments) {
        auto& a = t.assignments->emplace_back();
        for (const int b : brokers) a.broker_ids.emplace_back(b);
      }
    }
    const auto out = append(controller_->create_partitions(r, 0, arena_)).response.results.at(0);
    return std::string(out.error_message.value_or(""));
  }
};

TEST_F(ControllerTopics, CreatesTopicConfigsAndPartitionsInKafkasOrder) {
  const auto out = create({with_config(asked_topic("orders", 2), "retention.ms", "1000")}).topics.at(0);
  EXPECT_EQ(out.error_code, errc::none);
  EXPECT_EQ(out.error_message, std::nullopt);
  EXPECT_EQ(out.num_partitions, 2);
  EXPECT_EQ(out.replication_factor, 1);
  EXPECT_THAT(last_, ElementsAre(topic_record, config_record, partition_record, partition_record));
  const topic* made = controller_->latest().find_topic("orders");
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->id, out.topic_id);
  const partition& p = partition_of("orders", 1);
  EXPECT_THAT(p.replicas, ElementsAre(broker_id(1)));
  EXPECT_THAT(p.directories, ElementsAre(small_uuid(101))) << "the broker's only directory";
  EXPECT_EQ(p.leader, broker_id(1));
  EXPECT_EQ(p.leader_epoch, leader_epoch(0));
  bool found = false;
  for (const auto& c : *out.configs) {
    if (c.name != "retention.ms") continue;
    found = true;
    EXPECT_EQ(c.value, "1000");
    EXPECT_EQ(c.config_source, 1);
  }
  EXPECT_TRUE(found);
}

TEST_F(ControllerTopics, OnlyLooksWhenAskedToValidate) {
  const auto out = create({asked_topic("orders", 3)}, true).topics.at(0);
  EXPECT_EQ(out.error_code, errc::none);
  EXPECT_EQ(out.num_partitions, 3);
  EXPECT_THAT(last_, IsEmpty());
  EXPECT_EQ(controller_->latest().find_topic("orders"), nullptr);
}

TEST_F(ControllerTopics, TakesTheNodesDefaults) {
  start({{"num.partitions", "5"}});
  add_broker(1);
  EXPECT_EQ(create({asked_topic("t", -1, -1)}).topics.at(0).num_partitions, 5);
}

TEST_F(ControllerTopics, RefusesInKafkasWords) {
  create({asked_topic("a.b")});
  EXPECT_EQ(refusal(asked_topic("a.b"), errc::topic_already_exists), "Topic 'a.b' already exists.");
  EXPECT_EQ(refusal(asked_topic("a_b"), errc::invalid_topic_exception),
            "Topic 'a_b' collides with existing topic: a.b");
  EXPECT_EQ(refusal(asked_topic("."), errc::invalid_topic_exception), "Topic name is invalid: '.' is not allowed");
  EXPECT_EQ(refusal(asked_topic("bad name"), errc::invalid_topic_exception),
            "Topic name is invalid: 'bad name' contains one or more characters other than ASCII alphanumerics, '.', "
            "'_' and '-'");
  EXPECT_EQ(refusal(asked_topic("__cluster_metadata"), errc::invalid_request),
            "Creation of internal topic __cluster_metadata is prohibited.");
  EXPECT_EQ(refusal(asked_topic("t", 0), errc::invalid_partitions),
            "Number of partitions was set to an invalid non-positive value.");
  EXPECT_EQ(refusal(asked_topic("t", -5), errc::invalid_partitions),
            "Number of partitions was set to an invalid non-positive value.");
  EXPECT_EQ(refusal(asked_topic("t", 1, 0), errc::invalid_replication_factor),
            "Replication factor must be larger than 0, or -1 to use the default value.");
  EXPECT_EQ(refusal(asked_topic("t", 1, 2), errc::invalid_replication_factor),
            "Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be reached because "
            "only 1 broker(s) are registered or some brokers have all their log directories cordoned.");
  EXPECT_EQ(refusal(assigned("t", {{0, {7}}}), errc::invalid_replica_assignment),
            "The manual partition assignment includes broker 7, but no such broker is registered.");
  EXPECT_EQ(refusal(assigned("t", {{1, {1}}}), errc::invalid_replica_assignment),
            "partitions should be a consecutive 0-based integer sequence");
  EXPECT_EQ(refusal(assigned("t", {{0, {1, 1}}}), errc::invalid_replica_assignment),
            "The manual partition assignment includes the broker 1 more than once.");
  EXPECT_EQ(refusal(assigned("t", {{0, {}}}), errc::invalid_replica_assignment),
            "The manual partition assignment includes an empty replica list.");
  auto both = assigned("t", {{0, {1}}});
  both.num_partitions = 1;
  EXPECT_EQ(refusal(both, errc::invalid_request),
            "A manual partition assignment was specified, but numPartitions was not set to -1.");
  EXPECT_EQ(refusal(with_config(asked_topic("t"), "foo", "bar"), errc::invalid_config),
            "Unknown topic config name: foo");
  EXPECT_EQ(refusal(with_config(asked_topic("t"), "retention.ms", "abc"), errc::invalid_config),
            "Invalid value abc for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(refusal(with_config(asked_topic("t"), "retention.ms", "-5"), errc::invalid_config),
            "Invalid value -5 for configuration retention.ms: Value must be at least -1");
  EXPECT_EQ(refusal(with_config(asked_topic("t"), "retention.ms", std::nullopt), errc::invalid_config),
            "Null value not supported for topic configs: retention.ms");
  EXPECT_EQ(refusal(asked_topic("t", 10'001), errc::policy_violation),
            "Excessively large number of partitions per request.");
}

TEST_F(ControllerTopics, RefusesAllOfARequestForTooManyPartitions) {
  const auto out = create({asked_topic("a", 9'999), asked_topic("b", 2), asked_topic("c", -7)});
  EXPECT_THAT(last_, IsEmpty());
  ASSERT_EQ(out.topics.size(), 3U);
  for (const auto& topic : out.topics) {
    EXPECT_EQ(topic.error_code, errc::policy_violation);
    EXPECT_EQ(topic.error_message, "Excessively large number of partitions per request.");
  }
}

TEST_F(ControllerTopics, PlacesNothingOfARequestForTooManyPartitions) {
  const std::vector<std::string> names{"a", "b", "c"};
  std::vector<asked> many;
  for (const std::string& name : names) many.push_back(asked_topic(name, 10'000));
  const std::uint64_t before = random_;
  create(many);
  EXPECT_EQ(random_, before);
}

TEST_F(ControllerTopics, AnswersADuplicateOnceAndCreatesTheRest) {
  const auto out = create({asked_topic("twice"), asked_topic("once"), asked_topic("twice")});
  ASSERT_EQ(out.topics.size(), 2U);
  EXPECT_EQ(out.topics[0].error_code, errc::invalid_request);
  EXPECT_EQ(out.topics[0].error_message, "Duplicate topic name.");
  EXPECT_EQ(out.topics[1].error_code, errc::none);
  EXPECT_EQ(controller_->latest().find_topic("twice"), nullptr);
}

TEST_F(ControllerTopics, RefusesWhileNoBrokerIsUp) {
  start({});
  append(controller_->register_broker(registration(1), 0));
  EXPECT_EQ(refusal(asked_topic("t"), errc::invalid_replication_factor),
            "Unable to replicate the partition 1 time(s): All brokers are currently fenced.");
}

TEST_F(ControllerTopics, SpreadsLeadersAndReplicasOverBrokers) {
  add_broker(2);
  add_broker(3);
  create({asked_topic("t", 6, 2)});
  std::map<broker_id, int> leaders;
  std::map<broker_id, int> replicas;
  for (int i = 0; i < 6; ++i) {
    const partition& p = partition_of("t", i);
    ++leaders[p.leader];
    for (const broker_id b : p.replicas) ++replicas[b];
    EXPECT_EQ(std::set(p.replicas.begin(), p.replicas.end()).size(), 2U);
    EXPECT_EQ(p.leader, p.replicas[0]);
  }
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(leaders[broker_id(i)], 2) << i;
    EXPECT_EQ(replicas[broker_id(i)], 4) << i;
  }
}

TEST_F(ControllerTopics, PutsReplicasOfAPartitionIntoDifferentRacks) {
  start({});
  for (int i = 1; i <= 4; ++i) {
    auto r = registration(i);
    r.rack = i <= 2 ? "a" : "b";
    append(controller_->register_broker(r, 0));
    heartbeat(i);
  }
  create({asked_topic("t", 8, 2)});
  for (int i = 0; i < 8; ++i) {
    const partition& p = partition_of("t", i);
    EXPECT_NE(controller_->latest().find_broker(p.replicas[0])->rack,
              controller_->latest().find_broker(p.replicas[1])->rack);
  }
}

TEST_F(ControllerTopics, AddsPartitions) {
  create({asked_topic("t", 3)});
  EXPECT_EQ(grow("t", 5, std::nullopt, true), "");
  EXPECT_THAT(last_, IsEmpty());
  EXPECT_EQ(grow("t", 5, std::nullopt), "");
  EXPECT_THAT(last_, ElementsAre(partition_record, partition_record));
  EXPECT_EQ(partition_of("t", 4).leader, broker_id(1));
  EXPECT_EQ(grow("t", 6, {{{1}}}), "");
  EXPECT_EQ(controller_->latest().find_topic("t")->partitions.size(), 6U);
}

TEST_F(ControllerTopics, RefusesToAddPartitionsInKafkasWords) {
  create({asked_topic("orders", 3)});
  EXPECT_EQ(grow("orders", 3, std::nullopt), "Topic already has 3 partition(s).");
  EXPECT_EQ(grow("orders", 1, std::nullopt),
            "The topic orders currently has 3 partition(s); 1 would not be an increase.");
  EXPECT_EQ(grow("orders", 5, {{{1}}}),
            "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.");
  EXPECT_EQ(grow("orders", 5, {{{9}, {1}}}),
            "The manual partition assignment includes broker 9, but no such broker is registered.");
  EXPECT_EQ(grow("nope", 3, std::nullopt), "This server does not host this topic-partition.");
}

TEST_F(ControllerTopics, DeletesByNameAndById) {
  create({with_config(asked_topic("a"), "retention.ms", "1"), asked_topic("b")});
  wire::protocol::delete_topics_request r;
  r.topics.emplace_back().name = "a";
  r.topics.emplace_back().topic_id = controller_->latest().find_topic("b")->id;
  r.topics.emplace_back().topic_id = small_uuid(77);
  r.topics.emplace_back().name = "nope";
  const auto out = append(controller_->delete_topics(r, 0, arena_)).response;
  EXPECT_THAT(last_, ElementsAre(remove_topic, remove_topic));
  std::map<std::string, errc> by_name;
  for (const auto& t : out.responses) by_name[std::string(t.name.value_or("(none)"))] = t.error_code;
  EXPECT_EQ(by_name, (std::map<std::string, errc>{{"a", errc::none},
                                                  {"b", errc::none},
                                                  {"nope", errc::unknown_topic_or_partition},
                                                  {"(none)", errc::unknown_topic_id}}));
  EXPECT_TRUE(controller_->latest().topics.empty());
  EXPECT_TRUE(controller_->latest().config_of(config_resource_type::topic, "a").empty());
}

TEST_F(ControllerTopics, GivesATopicThatComesAgainAnotherId) {
  create({asked_topic("t")});
  const topic_id first = controller_->latest().find_topic("t")->id;
  wire::protocol::delete_topics_request r;
  r.topic_names.push_back("t");
  append(controller_->delete_topics(r, 0, arena_));
  create({asked_topic("t")});
  EXPECT_NE(controller_->latest().find_topic("t")->id, first);
}

TEST_F(ControllerTopics, DeletesNothingWhereThatIsSwitchedOff) {
  start({{"delete.topic.enable", "false"}});
  add_broker(1);
  create({asked_topic("t")});
  wire::protocol::delete_topics_request r;
  r.topic_names.push_back("t");
  EXPECT_EQ(controller_->delete_topics(r, 0, arena_).response.responses.at(0).error_code,
            errc::topic_deletion_disabled);
  EXPECT_NE(controller_->latest().find_topic("t"), nullptr);
}

}  // namespace
}  // namespace moldau::metadata
