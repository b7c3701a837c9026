#include "config/broker_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace moldau::config {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view combined =
    "process.roles=broker,controller\n"
    "node.id=1\n"
    "controller.quorum.bootstrap.servers=localhost:9093\n"
    "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
    "inter.broker.listener.name=PLAINTEXT\n"
    "advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n"
    "controller.listener.names=CONTROLLER\n"
    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL\n"
    "log.dirs=/tmp/kraft-combined-logs\n";

std::string with(std::string_view more) {
  return std::string(combined) + std::string(more);
}

broker_config good(std::string_view text) {
  auto loaded = broker_config::load(text);
  EXPECT_TRUE(loaded.config) << to_text(loaded.errors, "file");
  return loaded.config ? *std::move(loaded.config) : *broker_config::default_standalone().config;
}

std::string errors(std::string_view text) {
  const auto loaded = broker_config::load(text);
  EXPECT_EQ(loaded.config.has_value(), loaded.errors.empty());
  return to_text(loaded.errors, "f");
}

std::string warnings(std::string_view text) {
  return to_text(broker_config::load(text).warnings, "f");
}

TEST(BrokerConfig, TakesKafkasOwnFileForACombinedNode) {
  const broker_config config = good(combined);
  EXPECT_EQ(config.node_id(), broker_id(1));
  EXPECT_TRUE(config.is_broker());
  EXPECT_TRUE(config.is_controller());
  ASSERT_EQ(config.broker_listeners().size(), 1U);
  EXPECT_EQ(config.broker_listeners()[0], (endpoint{"PLAINTEXT", security_protocol::plaintext, "", 9092}));
  ASSERT_EQ(config.controller_listeners().size(), 1U);
  EXPECT_EQ(config.controller_listeners()[0].port, 9093);
  ASSERT_EQ(config.advertised_listeners().size(), 1U);
  EXPECT_EQ(config.advertised_listeners()[0].host, "localhost");
  ASSERT_EQ(config.advertised_controller_listeners().size(), 1U);
  EXPECT_EQ(config.inter_broker_listener(), "PLAINTEXT");
  EXPECT_EQ(config.quorum_bootstrap_servers(), (std::vector<host_port>{{"localhost", 9093}}));
  EXPECT_EQ(config.log_dirs(), std::vector<std::string>{"/tmp/kraft-combined-logs"});
  EXPECT_EQ(config.metadata_log_dir(), "/tmp/kraft-combined-logs");
  EXPECT_EQ(warnings(combined), "");
}

TEST(BrokerConfig, StandsAloneWithoutAFile) {
  const auto loaded = broker_config::default_standalone();
  ASSERT_TRUE(loaded.config) << to_text(loaded.errors, "");
  const broker_config& config = *loaded.config;
  EXPECT_EQ(config.node_id(), broker_id(1));
  EXPECT_TRUE(config.is_broker() && config.is_controller());
  EXPECT_EQ(config.controller_listeners()[0].host, "127.0.0.1");
  EXPECT_EQ(config.broker_listeners()[0].port, 9092);
  EXPECT_TRUE(config.quorum_voters().empty());
  EXPECT_EQ(config.int32("offsets.topic.replication.factor"), 1);
  EXPECT_EQ(config.int32("group.initial.rebalance.delay.ms"), 0);
  EXPECT_EQ(config.log_dirs(), std::vector<std::string>{"./moldau-data"});
  EXPECT_EQ(config.origin_of("node.id").to_text(), "standalone default");
  EXPECT_EQ(config.origin_of("num.partitions").to_text(), "default");
  EXPECT_TRUE(loaded.warnings.empty());
}

TEST(BrokerConfig, LetsTheCommandLineWin) {
  const auto loaded = broker_config::default_standalone({{"node.id", "7"}, {"num.partitions", "3"}});
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->node_id(), broker_id(7));
  EXPECT_EQ(loaded.config->origin_of("num.partitions").to_text(), "command line");
}

TEST(BrokerConfig, LetsTheLastOfANameWinAndKnowsItsLine) {
  const broker_config config = good(with("num.partitions=2\nnum.partitions=5\n"));
  EXPECT_EQ(config.int32("num.partitions"), 5);
  EXPECT_EQ(config.origin_of("num.partitions").to_text(), "line 11");
}

TEST(BrokerConfig, ReportsAllMistakesAtOnceInOrder) {
  const std::string text =
      errors(with("num.partitions=many\nlog.segment.bytes=1\nbroken=\\u1\nmin.insync.replicas=0\n"));
  EXPECT_THAT(text, HasSubstr("f:10: Invalid value many for configuration num.partitions: Not a number of type INT\n"
                              "f:11: Invalid value 1 for configuration log.segment.bytes: Value must be at least "
                              "1048576\n"
                              "f:12: "));
  EXPECT_THAT(text, HasSubstr("f:13: "));
}

TEST(BrokerConfig, WarnsOfUnknownNamesWithTheNearest) {
  EXPECT_THAT(warnings(with("num.partitons=3\n")),
              HasSubstr("f:10: num.partitons is not a known property and has no effect. Did you mean num.partitions?"));
}

TEST(BrokerConfig, WarnsOfWhatHasNoEffectYetUnlessItIsTheDefault) {
  EXPECT_THAT(warnings(with("remote.log.storage.system.enable=true\n")), HasSubstr("has no effect yet"));
  EXPECT_EQ(warnings(with("remote.log.storage.system.enable=false\nnum.io.threads=16\n")), "");
}

TEST(BrokerConfig, RefusesToBeLessSafeThanAsked) {
  EXPECT_THAT(errors(with("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n")),
              HasSubstr("f:10: authorizer.class.name says who may do what"));
  EXPECT_EQ(errors(with("authorizer.class.name=\n")), "");
  EXPECT_THAT(errors(with("client.quota.callback.class=a.B\n")), HasSubstr("client.quota.callback.class"));
  EXPECT_THAT(errors(with("create.topic.policy.class.name=a.B\n")), HasSubstr("create.topic.policy.class.name"));
  EXPECT_THAT(errors(with("listeners=PLAINTEXT://:9092,CONTROLLER://:9093,SSL://:9094\n")),
              HasSubstr("The listener SSL asks for SSL"));
}

TEST(BrokerConfig, KeepsSecretsOutOfMistakesAndDescriptions) {
  const broker_config config = good(with("ssl.keystore.password=geheim\nunknown.password=geheim\n"));
  for (const described_config& entry : config.describe()) {
    EXPECT_NE(entry.value, "geheim");
    for (const synonym& s : entry.synonyms) EXPECT_NE(s.value, "geheim");
  }
}

TEST(BrokerConfig, NamesWhatIsMissing) {
  const std::string text = errors("log.dirs=/tmp/x\n");
  EXPECT_THAT(text, HasSubstr("process.roles is missing"));
  EXPECT_THAT(text, HasSubstr("node.id is missing"));
  EXPECT_THAT(text, HasSubstr("controller.listener.names is missing"));
}

TEST(BrokerConfig, TakesBrokerIdForNodeId) {
  std::string text(combined);
  text.replace(text.find("node.id"), 7, "broker.id");
  EXPECT_EQ(good(text).node_id(), broker_id(1));
  EXPECT_THAT(errors(with("broker.id=2\n")), HasSubstr("node.id and broker.id must be equal"));
}

TEST(BrokerConfig, WantsAControllerAmongTheVoters) {
  EXPECT_THAT(errors(with("controller.quorum.voters=2@localhost:9093\n")),
              HasSubstr("not in controller.quorum.voters"));
  EXPECT_EQ(good(with("controller.quorum.voters=1@localhost:9093\n")).quorum_voters(),
            (std::vector<voter>{{broker_id(1), {"localhost", 9093}}}));
}

TEST(BrokerConfig, WantsABrokerAloneOutsideTheVotersAndWithoutControllerListeners) {
  const std::string text = errors(with("process.roles=broker\ncontroller.quorum.voters=1@localhost:9093\n"));
  EXPECT_THAT(text, HasSubstr("is in controller.quorum.voters"));
  EXPECT_THAT(text, HasSubstr("can't listen for controllers"));
}

TEST(BrokerConfig, WantsAControllerAloneWithoutOtherListeners) {
  EXPECT_THAT(errors(with("process.roles=controller\n")), HasSubstr("these are others: PLAINTEXT"));
}

TEST(BrokerConfig, WantsAdvertisedListenersAmongTheListeners) {
  EXPECT_THAT(errors(with("advertised.listeners=SSL://localhost:9092\n")), HasSubstr("not among the listeners"));
  EXPECT_THAT(errors(with("advertised.listeners=PLAINTEXT://0.0.0.0:9092\n")), HasSubstr("0.0.0.0"));
}

TEST(BrokerConfig, WantsAWayToFindTheControllers) {
  EXPECT_THAT(errors(with("controller.quorum.bootstrap.servers=\n")), HasSubstr("how the controllers are found"));
}

TEST(BrokerConfig, WantsOneListenerAPort) {
  EXPECT_THAT(errors(with("listeners=PLAINTEXT://:9092,CONTROLLER://:9092\n")), HasSubstr("Port 9092"));
}

TEST(BrokerConfig, GivesControllerListenersTheirProtocolWithoutAMap) {
  const broker_config config = good(
      "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@h:9093\n"
      "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER\nlog.dir=/a,/b\n");
  EXPECT_EQ(config.listener_protocols().find("CONTROLLER")->second, security_protocol::plaintext);
  EXPECT_EQ(config.log_dirs(), (std::vector<std::string>{"/a", "/b"}));
}

TEST(BrokerConfig, PrefersTheFinerUnitOfRetention) {
  EXPECT_EQ(good(combined).log_retention_ms(), 604'800'000);
  EXPECT_EQ(good(with("log.retention.hours=2\n")).log_retention_ms(), 7'200'000);
  EXPECT_EQ(good(with("log.retention.hours=2\nlog.retention.minutes=3\n")).log_retention_ms(), 180'000);
  EXPECT_EQ(good(with("log.retention.minutes=3\nlog.retention.ms=-1\n")).log_retention_ms(), -1);
  EXPECT_THAT(errors(with("log.retention.ms=0\n")), HasSubstr("log.retention.ms must be at least 1"));
}

TEST(BrokerConfig, NamesTheSynonymThatCounts) {
  const origin from = good(with("log.retention.hours=2\n")).origin_of("log.retention.ms");
  EXPECT_EQ(from.name, "log.retention.hours");
  EXPECT_EQ(from.to_text(), "line 10");
}

TEST(BrokerConfig, BoundsQueuedRequestBytes) {
  EXPECT_EQ(good(combined).queued_max_request_bytes(), 64LL << 20);
  EXPECT_EQ(good(with("queued.max.request.bytes=200000000\n")).queued_max_request_bytes(), 200'000'000);
  EXPECT_THAT(errors(with("queued.max.request.bytes=1000\n")), HasSubstr("socket.request.max.bytes"));
}

TEST(BrokerConfig, ReadsConnectionOverridesByAddress) {
  const broker_config config =
      good(with("max.connections.per.ip=5\nmax.connections.per.ip.overrides=10.0.0.1:7,::1:9\n"));
  EXPECT_EQ(config.max_connections_of("10.0.0.1"), 7);
  EXPECT_EQ(config.max_connections_of("::1"), 9);
  EXPECT_EQ(config.max_connections_of("10.0.0.2"), 5);
  EXPECT_THAT(errors(with("max.connections.per.ip.overrides=10.0.0.1\n")), HasSubstr("address:count"));
}

TEST(BrokerConfig, PutsDynamicLayersOverTheFile) {
  broker_config config = good(with("log.retention.hours=2\nmessage.max.bytes=1000\n"));
  EXPECT_TRUE(
      config
          .apply_dynamic({{"log.retention.ms", "5000"}, {"message.max.bytes", "2000"}}, {{"message.max.bytes", "3000"}})
          .empty());
  EXPECT_EQ(config.log_retention_ms(), 5000);
  EXPECT_EQ(config.int32("message.max.bytes"), 3000);
  EXPECT_EQ(config.synonyms_of("message.max.bytes"),
            (std::vector<synonym>{{"message.max.bytes", "3000", config_source::dynamic_broker},
                                  {"message.max.bytes", "2000", config_source::dynamic_default_broker},
                                  {"message.max.bytes", "1000", config_source::static_broker},
                                  {"message.max.bytes", "1048588", config_source::default_value}}));
  EXPECT_TRUE(config.apply_dynamic({}, {}).empty());
  EXPECT_EQ(config.int32("message.max.bytes"), 1000);
}

TEST(BrokerConfig, GoesOnWithTheLayerBelowABadDynamicValue) {
  broker_config config = good(combined);
  const auto left_out = config.apply_dynamic({{"message.max.bytes", "x"}, {"num.io.threads", "4"}}, {});
  ASSERT_EQ(left_out.size(), 1U);
  EXPECT_EQ(left_out[0].name, "message.max.bytes");
  EXPECT_EQ(config.int32("message.max.bytes"), 1'048'588);
  EXPECT_EQ(config.int32("num.io.threads"), 4);
}

TEST(BrokerConfig, DescribesEveryPropertyForClients) {
  const auto all = good(with("log.retention.hours=2\n")).describe();
  const auto entry = [&](std::string_view name) { return *std::ranges::find(all, name, &described_config::name); };
  EXPECT_EQ(entry("log.retention.ms").value, std::nullopt);
  EXPECT_EQ(entry("log.retention.ms").source, config_source::static_broker);
  EXPECT_FALSE(entry("log.retention.ms").read_only);
  EXPECT_EQ(entry("node.id").value, "1");
  EXPECT_TRUE(entry("node.id").read_only);
  EXPECT_EQ(entry("node.id").type, 3);
  EXPECT_EQ(entry("broker.id").value, "1");
  EXPECT_EQ(entry("num.partitions").source, config_source::default_value);
  EXPECT_TRUE(entry("ssl.key.password").sensitive);
}

TEST(BrokerConfig, DescribesClusterWideSettingsAlone) {
  broker_config config = good(combined);
  EXPECT_TRUE(config.apply_dynamic({{"num.io.threads", "4"}}, {{"num.io.threads", "6"}}).empty());
  const auto all = config.describe_cluster_wide();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].value, "4");
  EXPECT_EQ(all[0].synonyms.size(), 1U);
}

TEST(DynamicBrokerConfig, RefusesWhatOnlyAStartCanChange) {
  EXPECT_EQ(validate_dynamic_broker_config({{"process.roles", "broker"}}, true).error(),
            (error{errc::invalid_config, "Cannot update these configs dynamically: [process.roles]"}));
}

TEST(DynamicBrokerConfig, WantsABrokerForWhatIsPerBroker) {
  EXPECT_TRUE(validate_dynamic_broker_config({{"ssl.client.auth", "none"}}, true));
  EXPECT_EQ(validate_dynamic_broker_config({{"listeners", "PLAINTEXT://:9092"}}, false).error().message,
            "Cannot update these configs at default cluster level, broker id must be specified: [listeners]");
}

TEST(DynamicBrokerConfig, RefusesListenersThatItWouldNotOpen) {
  EXPECT_THAT(validate_dynamic_broker_config({{"listeners", "PLAINTEXT://:9092"}}, true).error().message,
              HasSubstr("only at a start"));
}

TEST(DynamicBrokerConfig, ChecksTypesAndKeepsUnknownNames) {
  EXPECT_FALSE(validate_dynamic_broker_config({{"log.segment.bytes", "1"}}, false));
  EXPECT_TRUE(validate_dynamic_broker_config({{"my.plugin.thing", "1"}}, false));
  EXPECT_FALSE(validate_dynamic_broker_config({{"leader.replication.throttled.rate", "x"}}, true));
}

TEST(DynamicBrokerConfig, RefusesKeysWithoutAListener) {
  EXPECT_THAT(validate_dynamic_broker_config({{"ssl.keystore.location", "/x"}}, true).error().message,
              HasSubstr("only per-listener"));
  EXPECT_TRUE(validate_dynamic_broker_config({{"listener.name.internal.ssl.keystore.location", "/x"}}, true));
}

}  // namespace
}  // namespace moldau::config
