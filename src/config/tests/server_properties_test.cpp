#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/broker_config.hpp"

namespace moldau::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Every key that the server.properties of Kafka 4 sets, and those that it shows commented out, with their values there.
constexpr std::string_view stock =
    "process.roles=broker,controller\n"
    "node.id=1\n"
    "controller.quorum.bootstrap.servers=localhost:9093\n"
    "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
    "inter.broker.listener.name=PLAINTEXT\n"
    "advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n"
    "controller.listener.names=CONTROLLER\n"
    "listener.security.protocol.map="
    "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n"
    "num.network.threads=3\n"
    "num.io.threads=8\n"
    "socket.send.buffer.bytes=102400\n"
    "socket.receive.buffer.bytes=102400\n"
    "socket.request.max.bytes=104857600\n"
    "log.dirs=/tmp/kraft-combined-logs\n"
    "num.partitions=1\n"
    "num.recovery.threads.per.data.dir=1\n"
    "offsets.topic.replication.factor=1\n"
    "log.flush.interval.messages=10000\n"
    "log.flush.interval.ms=1000\n"
    "log.retention.hours=168\n"
    "log.retention.bytes=1073741824\n"
    "log.segment.bytes=1073741824\n"
    "log.retention.check.interval.ms=300000\n"
    "group.initial.rebalance.delay.ms=0\n";

std::vector<std::string> warned_names(std::string_view text) {
  const auto loaded = broker_config::load(text);
  EXPECT_TRUE(loaded.config) << to_text(loaded.errors, "server.properties");
  std::vector<std::string> out;
  for (const mistake& one : loaded.warnings) out.push_back(one.name);
  return out;
}

TEST(ServerProperties, OfKafkaStartWithoutAWarning) {
  EXPECT_THAT(warned_names(stock), IsEmpty());
}

TEST(ServerProperties, OfKafkaWarnOfTransactionsAndShareGroupsAlone) {
  EXPECT_THAT(warned_names(std::string(stock) + "transaction.state.log.replication.factor=1\n"
                                                "transaction.state.log.min.isr=1\n"
                                                "share.coordinator.state.topic.replication.factor=1\n"
                                                "share.coordinator.state.topic.min.isr=1\n"),
              ElementsAre("transaction.state.log.replication.factor", "transaction.state.log.min.isr",
                          "share.coordinator.state.topic.replication.factor", "share.coordinator.state.topic.min.isr"));
}

TEST(ServerProperties, WarnOfListenerPropertiesThatCountForAllListeners) {
  EXPECT_THAT(warned_names(std::string(stock) + "listener.name.plaintext.max.connections=5\n"
                                                "listener.name.plaintext.socket.request.max.bytes=5000\n"),
              ElementsAre("listener.name.plaintext.socket.request.max.bytes"));
}

TEST(ServerProperties, LimitTheConnectionsOfOneListener) {
  const auto loaded = broker_config::load(std::string(stock) + "listener.name.plaintext.max.connections=5\n");
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->max_connections_on("PLAINTEXT"), 5);
  EXPECT_EQ(loaded.config->max_connections_on("CONTROLLER"), INT32_MAX);
}

TEST(ServerProperties, LimitTheConnectionsOfOneListenerAtRunTime) {
  auto loaded = broker_config::load(stock);
  ASSERT_TRUE(loaded.config);
  EXPECT_THAT(loaded.config->apply_dynamic({}, {{"listener.name.plaintext.max.connections", "7"}}), IsEmpty());
  EXPECT_EQ(loaded.config->max_connections_on("PLAINTEXT"), 7);
}

}  // namespace
}  // namespace moldau::config
