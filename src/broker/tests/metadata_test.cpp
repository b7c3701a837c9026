#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/dispatch.hpp"
#include "broker/tests/broker_fixture.hpp"
#include "wire/protocol/api_versions_request.hpp"
#include "wire/protocol/api_versions_response.hpp"
#include "wire/protocol/describe_cluster_request.hpp"
#include "wire/protocol/describe_cluster_response.hpp"
#include "wire/protocol/describe_configs_request.hpp"
#include "wire/protocol/describe_configs_response.hpp"
#include "wire/protocol/describe_topic_partitions_request.hpp"
#include "wire/protocol/describe_topic_partitions_response.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"

namespace moldau::broker {
namespace {

using testing::broker_fixture;
using ::testing::ElementsAre;
using testing::test_client;
namespace protocol = wire::protocol;

constexpr std::uint16_t controller_port = 9093;

class ApiVersionsTest : public broker_fixture {
 protected:
  static protocol::api_versions_request request(std::string_view name = "test", std::string_view version = "1.0") {
    protocol::api_versions_request out;
    out.client_software_name = name;
    out.client_software_version = version;
    return out;
  }
};

TEST_F(ApiVersionsTest, AnnouncesWhatIsServed) {
  start();
  const auto reply = ask<protocol::api_versions_response>(request(), 4);
  std::map<std::int16_t, std::pair<std::int16_t, std::int16_t>> told;
  for (const auto& api : reply.message.api_keys) told[api.api_key] = {api.min_version, api.max_version};
  std::map<std::int16_t, std::pair<std::int16_t, std::int16_t>> served;
  for (const api_entry& api : served_apis()) {
    if (!protocol::info(api.key).broker) continue;
    served[static_cast<std::int16_t>(api.key)] = {api.min_version(), api.max_version};
  }
  served[static_cast<std::int16_t>(protocol::api_key::produce)].first = 0;
  EXPECT_EQ(told, served);
}

TEST_F(ApiVersionsTest, AnnouncesToControllersClientsWhatControllersServe) {
  start();
  const auto reply = ask<protocol::api_versions_response>(request(), 4, controller_port);
  std::set<std::int16_t> told;
  for (const auto& api : reply.message.api_keys) told.insert(api.api_key);
  for (const std::int16_t key : told) {
    EXPECT_TRUE(protocol::info(static_cast<protocol::api_key>(key)).controller) << key;
  }
  EXPECT_FALSE(told.contains(protocol::metadata_request::api_key));
  EXPECT_TRUE(told.contains(protocol::create_topics_request::api_key));
}

TEST_F(ApiVersionsTest, ServesOnTheControllersListenerOnlyWhatControllersServe) {
  start();
  EXPECT_TRUE(is_closed_by<protocol::metadata_response>(protocol::metadata_request{}, 9, controller_port));
}

TEST_F(ApiVersionsTest, AnswersAnUnknownVersionInVersionZero) {
  start();
  const auto answer = on_client([](ApiVersionsTest& test) -> rt::task<result<protocol::api_versions_response>> {
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    // A header and nothing else: what a client from the future would send can't be known.
    shared_bytes frame = shared_bytes::allocate(15);
    bytes::store_be(frame.writable().data(), std::int32_t{11});
    bytes::store_be(frame.writable().data() + 4, std::int16_t{18});
    bytes::store_be(frame.writable().data() + 6, std::int16_t{99});
    bytes::store_be(frame.writable().data() + 8, std::int32_t{7});
    bytes::store_be(frame.writable().data() + 12, std::int16_t{-1});
    frame.writable()[14] = std::byte{0};
    EXPECT_TRUE(co_await client->send(std::move(frame)));
    auto reply = co_await client->receive<protocol::api_versions_response>(0);
    if (!reply) co_return std::unexpected<error>(reply.error());
    co_return reply->message;
  }(*this));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->error_code, errc::unsupported_version);
  ASSERT_EQ(answer->api_keys.size(), 1U);
  EXPECT_EQ(answer->api_keys[0].api_key, 18);
  EXPECT_EQ(answer->api_keys[0].max_version, protocol::info(protocol::api_key::api_versions).max_version);
}

TEST_F(ApiVersionsTest, WantsSoftwareNamesOfLettersAndDigits) {
  start();
  EXPECT_EQ(ask<protocol::api_versions_response>(request("a b"), 4).message.error_code, errc::invalid_request);
  EXPECT_EQ(ask<protocol::api_versions_response>(request("kafka-go", "-1"), 4).message.error_code,
            errc::invalid_request);
}

TEST_F(ApiVersionsTest, TellsFeatures) {
  start();
  const auto reply = ask<protocol::api_versions_response>(request(), 4);
  const auto& supported = reply.message.supported_features;
  EXPECT_TRUE(std::ranges::any_of(supported, [](const auto& f) { return f.name == "metadata.version"; }));
  EXPECT_TRUE(std::ranges::any_of(supported, [](const auto& f) { return f.min_version == 0; }));
  EXPECT_TRUE(std::ranges::any_of(reply.message.finalized_features, [](const auto& f) {
    return f.name == "metadata.version" && f.max_version_level > 0;
  }));
  EXPECT_GE(reply.message.finalized_features_epoch, 0);
}

TEST_F(ApiVersionsTest, LeavesOutRangesThatOldClientsCannotRead) {
  start();
  const auto reply = ask<protocol::api_versions_response>(request(), 3);
  EXPECT_FALSE(std::ranges::any_of(reply.message.supported_features, [](const auto& f) { return f.min_version == 0; }));
}

TEST_F(ApiVersionsTest, ClosesTheConnectionOnAVersionOfAnythingElseThatIsNotServed) {
  start();
  EXPECT_TRUE(on_client([](ApiVersionsTest& test) -> rt::task<bool> {
    auto client = co_await test_client::connect(test.client_.core(), {"broker", 9092});
    shared_bytes frame = test_client::frame_of(protocol::metadata_request{}, 12, 1);
    bytes::store_be(frame.writable().data() + 6, std::int16_t{99});
    EXPECT_TRUE(co_await client->send(std::move(frame)));
    co_return !co_await client->receive_frame();
  }(*this)));
}

class MetadataTest : public broker_fixture {
 protected:
  using topic = protocol::metadata_response::metadata_response_topic;
  test_client::reply<protocol::metadata_response> ask_for(std::string_view name, bool auto_create,
                                                          std::int16_t version = 12) {
    protocol::metadata_request request;
    request.allow_auto_topic_creation = auto_create;
    request.topics->push_back({.topic_id = {}, .name = name});
    return ask<protocol::metadata_response>(request, version);
  }
};

TEST_F(MetadataTest, TellsBrokersAndCluster) {
  start();
  protocol::metadata_request request;
  const auto reply = ask<protocol::metadata_response>(request, 12);
  ASSERT_EQ(reply.message.brokers.size(), 1U);
  EXPECT_EQ(reply.message.brokers[0].host, "broker");
  EXPECT_EQ(reply.message.brokers[0].port, 9092);
  EXPECT_EQ(reply.message.controller_id, broker_id(1));
  EXPECT_TRUE(reply.message.cluster_id);
  EXPECT_TRUE(reply.message.topics.empty());
}

TEST_F(MetadataTest, MakesATopicThatAClientAsksFor) {
  start("num.partitions=3\n");
  const auto reply = ask_for("orders", true);
  ASSERT_EQ(reply.message.topics.size(), 1U);
  EXPECT_EQ(reply.message.topics[0].error_code, errc::none);
  EXPECT_EQ(reply.message.topics[0].partitions.size(), 3U);
  EXPECT_EQ(reply.message.topics[0].partitions[0].leader_id, broker_id(1));
}

TEST_F(MetadataTest, MakesNoTopicWhereTheClientDoesNotWantIt) {
  start();
  EXPECT_EQ(ask_for("orders", false).message.topics[0].error_code, errc::unknown_topic_or_partition);
}

TEST_F(MetadataTest, MakesNoTopicWhereTheBrokerDoesNotWantIt) {
  start("auto.create.topics.enable=false\n");
  EXPECT_EQ(ask_for("orders", true).message.topics[0].error_code, errc::unknown_topic_or_partition);
}

TEST_F(MetadataTest, MakesNoTopicOfABadName) {
  start();
  EXPECT_EQ(ask_for("a b", true).message.topics[0].error_code, errc::invalid_topic_exception);
}

TEST_F(MetadataTest, KnowsNoTopicWithoutAName) {
  start();
  for (std::int16_t version = 0; version <= 13; ++version) {
    const auto reply = ask_for("", version >= 4, version);
    ASSERT_EQ(reply.message.topics.size(), 1U) << version;
    EXPECT_EQ(reply.message.topics[0].error_code, errc::invalid_topic_exception) << version;
    EXPECT_EQ(reply.message.topics[0].name, "") << version;
  }
}

TEST_F(MetadataTest, TellsATopicOnceThatIsAskedForTwiceByItsId) {
  start();
  ASSERT_EQ(create_topic("a"), errc::none);
  const topic_id id = ask_for("a", false).message.topics[0].topic_id;
  protocol::metadata_request request;
  for (int i = 0; i < 2; ++i) request.topics->push_back({.topic_id = id, .name = std::nullopt});
  EXPECT_EQ(ask<protocol::metadata_response>(request, 12).message.topics.size(), 1U);
}

TEST_F(MetadataTest, MakesInternalTopicsAsTheirPropertiesSay) {
  start("offsets.topic.num.partitions=7\n");
  const auto reply = ask_for("__consumer_offsets", true);
  EXPECT_EQ(reply.message.topics[0].error_code, errc::none);
  EXPECT_EQ(reply.message.topics[0].partitions.size(), 7U);
  EXPECT_TRUE(reply.message.topics[0].is_internal);
}

TEST_F(MetadataTest, FindsTopicsByTheirIds) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const auto by_name = ask_for("orders", false);
  protocol::metadata_request request;
  request.allow_auto_topic_creation = false;
  request.topics->push_back({.topic_id = by_name.message.topics[0].topic_id, .name = std::nullopt});
  request.topics->push_back({.topic_id = uuid(std::array<std::byte, 16>{std::byte{9}}), .name = std::nullopt});
  const auto reply = ask<protocol::metadata_response>(request, 12);
  ASSERT_EQ(reply.message.topics.size(), 2U);
  EXPECT_EQ(reply.message.topics[0].name, "orders");
  EXPECT_EQ(reply.message.topics[1].error_code, errc::unknown_topic_id);
}

TEST_F(MetadataTest, TellsAllTopicsToThoseWhoAskForNone) {
  start();
  ASSERT_EQ(create_topic("b"), errc::none);
  ASSERT_EQ(create_topic("a"), errc::none);
  protocol::metadata_request request;
  request.topics = std::nullopt;
  const auto reply = ask<protocol::metadata_response>(request, 12);
  ASSERT_EQ(reply.message.topics.size(), 2U);
  EXPECT_EQ(reply.message.topics[0].name, "a");
}

TEST_F(MetadataTest, TellsATopicOnceThatIsAskedForTwice) {
  start();
  ASSERT_EQ(create_topic("a"), errc::none);
  protocol::metadata_request request;
  for (int i = 0; i < 2; ++i) request.topics->push_back({.topic_id = {}, .name = "a"});
  EXPECT_EQ(ask<protocol::metadata_response>(request, 12).message.topics.size(), 1U);
}

TEST_F(MetadataTest, TellsWhatMayBeDoneWhereNothingIsForbiddenToThoseWhoAsk) {
  start();
  ASSERT_EQ(create_topic("a"), errc::none);
  EXPECT_EQ(ask_for("a", false).message.topics[0].topic_authorized_operations, INT32_MIN);
  // Kafka's own bits: operations 3 to 8, 10 and 11 of a topic, 5 and 7 to 12 of a cluster.
  constexpr std::int32_t topic_bits = 0xdf8;
  constexpr std::int32_t cluster_bits = 0x1fa0;
  protocol::metadata_request request;
  request.topics->push_back({.topic_id = {}, .name = "a"});
  request.include_topic_authorized_operations = true;
  request.include_cluster_authorized_operations = true;
  const auto reply = ask<protocol::metadata_response>(request, 10);
  EXPECT_EQ(reply.message.topics[0].topic_authorized_operations, topic_bits);
  EXPECT_EQ(reply.message.cluster_authorized_operations, cluster_bits);
  protocol::describe_cluster_request cluster;
  EXPECT_EQ(ask<protocol::describe_cluster_response>(cluster, 1).message.cluster_authorized_operations, INT32_MIN);
  cluster.include_cluster_authorized_operations = true;
  EXPECT_EQ(ask<protocol::describe_cluster_response>(cluster, 1).message.cluster_authorized_operations, cluster_bits);
}

class DescribeTopicPartitionsTest : public broker_fixture {
 protected:
  test_client::reply<protocol::describe_topic_partitions_response> describe(
      std::int32_t limit, std::optional<std::pair<std::string_view, std::int32_t>> cursor = {},
      std::vector<std::string_view> names = {}) {
    protocol::describe_topic_partitions_request request;
    request.response_partition_limit = limit;
    for (const auto name : names) request.topics.push_back({.name = name});
    if (cursor) {
      request.cursor.emplace().topic_name = cursor->first;
      request.cursor->partition_index = partition_id(cursor->second);
    }
    return ask<protocol::describe_topic_partitions_response>(request, 0);
  }
  static std::vector<std::string> partitions_of(const protocol::describe_topic_partitions_response& response) {
    std::vector<std::string> out;
    for (const auto& topic : response.topics) {
      for (const auto& one : topic.partitions) {
        out.push_back(std::string(*topic.name) + "-" + std::to_string(one.partition_index.value()));
      }
    }
    return out;
  }
  void start_with_topics() {
    start();
    ASSERT_EQ(create_topic("a", 2), errc::none);
    ASSERT_EQ(create_topic("b", 3), errc::none);
  }
};

TEST_F(DescribeTopicPartitionsTest, TellsAllByName) {
  start_with_topics();
  const auto reply = describe(100);
  EXPECT_THAT(partitions_of(reply.message), ElementsAre("a-0", "a-1", "b-0", "b-1", "b-2"));
  EXPECT_FALSE(reply.message.next_cursor);
}

TEST_F(DescribeTopicPartitionsTest, StopsAtTheLimitAndSaysWhereToGoOn) {
  start_with_topics();
  const auto reply = describe(3);
  EXPECT_THAT(partitions_of(reply.message), ElementsAre("a-0", "a-1", "b-0"));
  ASSERT_TRUE(reply.message.next_cursor);
  EXPECT_EQ(reply.message.next_cursor->topic_name, "b");
  EXPECT_EQ(reply.message.next_cursor->partition_index, partition_id(1));
}

TEST_F(DescribeTopicPartitionsTest, GoesOnFromTheCursor) {
  start_with_topics();
  EXPECT_THAT(partitions_of(describe(100, {{"b", 1}}).message), ElementsAre("b-1", "b-2"));
}

TEST_F(DescribeTopicPartitionsTest, GoesOnWithTheTopicAfterOneThatIsGone) {
  start_with_topics();
  EXPECT_THAT(partitions_of(describe(100, {{"aa", 7}}).message), ElementsAre("b-0", "b-1", "b-2"));
}

TEST_F(DescribeTopicPartitionsTest, SaysOfEachTopicWhetherItIsThere) {
  start_with_topics();
  const auto reply = describe(100, {}, {"b", "nothing"});
  ASSERT_EQ(reply.message.topics.size(), 2U);
  EXPECT_EQ(reply.message.topics[0].error_code, errc::none);
  EXPECT_EQ(reply.message.topics[1].error_code, errc::unknown_topic_or_partition);
}

class DescribeConfigsTest : public broker_fixture {
 protected:
  using config_result = protocol::describe_configs_response::describe_configs_result;
  static constexpr std::int8_t topic_type = 2;
  static constexpr std::int8_t broker_type = 4;

  test_client::reply<protocol::describe_configs_response> describe(std::int8_t type, std::string_view resource,
                                                                   std::vector<std::string_view> keys) {
    protocol::describe_configs_request request;
    auto& to = request.resources.emplace_back();
    to.resource_type = type;
    to.resource_name = resource;
    to.configuration_keys = std::move(keys);
    request.include_synonyms = true;
    request.include_documentation = true;
    return ask<protocol::describe_configs_response>(request, 4);
  }
};

TEST_F(DescribeConfigsTest, TellsATopicsValueAndWhereItComesFrom) {
  start("log.retention.hours=5\n");
  ASSERT_EQ(create_topic("orders", 1, {{"retention.ms", "77"}}), errc::none);
  const auto reply = describe(topic_type, "orders", {"retention.ms"});
  const auto& configs = reply.message.results.front().configs;
  ASSERT_EQ(configs.size(), 1U);
  EXPECT_EQ(configs[0].value, "77");
  EXPECT_EQ(configs[0].config_source, 1);
  EXPECT_FALSE(configs[0].documentation->empty());
  std::vector<std::string> synonyms;
  for (const auto& one : configs[0].synonyms) {
    synonyms.push_back(std::string(one.name) + "=" + std::string(one.value.value_or("")) + "/" +
                       std::to_string(one.source));
  }
  EXPECT_THAT(synonyms, ElementsAre("retention.ms=77/1", "log.retention.hours=5/4", "log.retention.hours=168/5"));
}

TEST_F(DescribeConfigsTest, TellsABrokersLayers) {
  start("message.max.bytes=3000\n");
  ASSERT_EQ(set_broker_config("", "message.max.bytes", "4000"), errc::none);
  ASSERT_EQ(set_broker_config("1", "message.max.bytes", "5000"), errc::none);
  const auto reply = describe(broker_type, "1", {"message.max.bytes"});
  const auto& configs = reply.message.results.front().configs;
  ASSERT_EQ(configs.size(), 1U);
  EXPECT_EQ(configs[0].value, "5000");
  std::vector<std::string> synonyms;
  for (const auto& one : configs[0].synonyms) {
    synonyms.push_back(std::string(one.value.value_or("")) + "/" + std::to_string(one.source));
  }
  EXPECT_THAT(synonyms, ElementsAre("5000/2", "4000/3", "3000/4", "1048588/5"));
}

TEST_F(DescribeConfigsTest, TellsOfAllBrokersOnlyWhatIsSetForAll) {
  start();
  ASSERT_EQ(set_broker_config("", "message.max.bytes", "4000"), errc::none);
  const auto reply = describe(broker_type, "", {});
  std::map<std::string_view, std::string_view> told;
  for (const auto& one : reply.message.results.front().configs) {
    EXPECT_EQ(one.config_source, 3);
    told[one.name] = one.value.value_or("");
  }
  EXPECT_EQ(told["message.max.bytes"], "4000");
  EXPECT_FALSE(told.contains("log.dirs"));
}

TEST_F(DescribeConfigsTest, KnowsNoOtherBrokerAndNoUnknownTopic) {
  start();
  EXPECT_EQ(describe(broker_type, "7", {}).message.results.front().error_code, errc::invalid_request);
  EXPECT_EQ(describe(topic_type, "nothing", {}).message.results.front().error_code, errc::unknown_topic_or_partition);
  EXPECT_EQ(describe(99, "x", {}).message.results.front().error_code, errc::invalid_request);
}

TEST_F(DescribeConfigsTest, RefusesToChangeWhatOnlyAStartCanChange) {
  start();
  EXPECT_EQ(set_broker_config("1", "log.dirs", "/elsewhere"), errc::invalid_request);
}

}  // namespace
}  // namespace moldau::broker
