#include "moldau/client/admin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moldau/client/producer.hpp"
#include "testing/sim/simulator.hpp"
#include "tests/sim/broker_process.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::sim::simulator;

constexpr const char* properties = R"(
node.id=1
process.roles=broker,controller
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
advertised.listeners=PLAINTEXT://broker:9092,CONTROLLER://broker:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=broker:9093
log.dirs=/data
offsets.topic.num.partitions=2
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
moldau.admin.port=-1
)";

struct Admin : ::testing::Test {
  simulator s{3};
  testing::sim::host& home{s.add_host("client")};
  scenarios::broker_process broker{s.add_host("broker"), properties};
  client_options options{.bootstrap_servers = {"broker:9092"},
                         .request_timeout_ms = 5'000,
                         .api_timeout_ms = 20'000,
                         .world = moldau::world(home.core())};
  std::optional<admin> by;

  void SetUp() override {
    broker.start();
    ASSERT_TRUE(s.run_until([&] { return broker.ready(); }, 60s));
    by.emplace(admin::make(options).value());
  }
  void TearDown() override {
    by.reset();
    s.run_for(1s);
  }

  /// Runs the simulation until the value is there.
  template <typename T>
  result<T> wait(async<T> value, rt::duration limit = 120s) {
    std::optional<result<T>> got;
    std::move(value).then([&](result<T> came) { got = std::move(came); });
    s.run_until([&] { return got.has_value(); }, limit);
    if (!got) return fail(errc::timed_out, "nothing came in the test's time");
    return *std::move(got);
  }

  void make_topic(std::string name, std::int32_t partitions) {
    const auto made = wait(by->create_topics({{.name = name, .partitions = partitions}}));
    ASSERT_TRUE(made && made->at(name)) << name;
  }
  void send(std::string topic, int records) {
    auto p = producer::make({.client = options}).value();
    for (int i = 0; i < records; ++i) {
      ASSERT_TRUE(wait(p.send({.topic = topic, .partition = partition_id(0), .value = as_bytes("x")})));
    }
    ASSERT_TRUE(wait(p.close()));
  }
  static topic_partition first(std::string topic) { return {std::move(topic), partition_id(0)}; }
};

TEST_F(Admin, MakesDescribesGrowsAndDeletesTopics) {
  const auto made = wait(by->create_topics({{.name = "t", .partitions = 2, .configs = {{"retention.ms", "1000"}}}}));
  const created_topic told = made.value().at("t").value();
  EXPECT_EQ(told.partitions, 2);
  EXPECT_EQ(told.replication_factor, 1);
  EXPECT_EQ(told.configs.at("retention.ms"), "1000");
  EXPECT_FALSE(told.id.is_zero());

  const auto again = wait(by->create_topics({{.name = "t", .partitions = 2}})).value();
  EXPECT_EQ(again.at("t").error().code, errc::topic_already_exists);

  ASSERT_TRUE(wait(by->create_partitions({{"t", {.total = 5}}})).value().at("t"));
  const auto described = wait(by->describe_topics({"t", "none"}, {.authorized_operations = true})).value();
  const described_topic topic = described.at("t").value();
  EXPECT_EQ(topic.id, told.id);
  EXPECT_EQ(topic.partitions.size(), 5);
  EXPECT_EQ(topic.partitions[4].leader, broker_id(1));
  EXPECT_THAT(topic.partitions[4].in_sync_replicas, ElementsAre(broker_id(1)));
  EXPECT_THAT(topic.authorized_operations, Contains(acl_operation::read));
  EXPECT_EQ(described.at("none").error().code, errc::unknown_topic_or_partition);

  const auto by_id = wait(by->describe_topics_by_id({told.id})).value();
  EXPECT_EQ(by_id.at(told.id).value().name, "t");
  EXPECT_THAT(by_id.at(told.id).value().authorized_operations, IsEmpty());

  EXPECT_THAT(wait(by->list_topics()).value(), Contains(::testing::Field(&listed_topic::name, "t")));
  ASSERT_TRUE(wait(by->delete_topics_by_id({told.id})).value().at(told.id));
  EXPECT_EQ(wait(by->delete_topics({"t"})).value().at("t").error().code, errc::unknown_topic_or_partition);
}

TEST_F(Admin, ValidatingMakesNothing) {
  ASSERT_TRUE(wait(by->create_topics({{.name = "t", .partitions = 1}}, true)).value().at("t"));
  EXPECT_FALSE(wait(by->describe_topics({"t"})).value().at("t"));
}

TEST_F(Admin, FindsOffsetsByEverythingThatStandsForATime) {
  make_topic("t", 1);
  send("t", 5);
  const auto at = [&](offset_spec spec, isolation level = isolation::read_uncommitted) {
    return wait(by->list_offsets({{first("t"), spec}}, level)).value().at(first("t"));
  };
  EXPECT_EQ(at(offset_spec::latest()).value().offset, offset(5));
  EXPECT_EQ(at(offset_spec::latest(), isolation::read_committed).value().offset, offset(5));
  EXPECT_EQ(at(offset_spec::earliest()).value().offset, offset(0));
  EXPECT_GE(at(offset_spec::max_timestamp()).value().offset, offset(0));
  EXPECT_GT(at(offset_spec::max_timestamp()).value().timestamp_ms, 0);
  EXPECT_EQ(at(offset_spec::earliest_local()).value().offset, offset(0));
  EXPECT_TRUE(at(offset_spec::latest_tiered()));
  EXPECT_EQ(at(offset_spec::at(0)).value().offset, offset(0));
  EXPECT_EQ(wait(by->list_offsets({{{"t", partition_id(7)}, offset_spec::latest()}}))
                .value()
                .at({"t", partition_id(7)})
                .error()
                .code,
            errc::unknown_topic_or_partition);
}

TEST_F(Admin, DeletesRecordsAndTellsOfEpochsAndProducers) {
  make_topic("t", 1);
  send("t", 4);
  EXPECT_EQ(wait(by->delete_records({{first("t"), offset(3)}})).value().at(first("t")).value(), offset(3));
  EXPECT_EQ(wait(by->list_offsets({{first("t"), offset_spec::earliest()}})).value().at(first("t")).value().offset,
            offset(3));
  EXPECT_EQ(wait(by->delete_records({{first("t"), offset(99)}})).value().at(first("t")).error().code,
            errc::offset_out_of_range);

  const epoch_end end = wait(by->epoch_ends({{first("t"), leader_epoch(0)}})).value().at(first("t")).value();
  EXPECT_EQ(end.end_offset, offset(4));

  const auto producers = wait(by->describe_producers({first("t")})).value().at(first("t")).value();
  ASSERT_EQ(producers.size(), 1);
  EXPECT_GE(producers.front().id, producer_id(0));
  EXPECT_EQ(producers.front().last_sequence, 3);
  EXPECT_FALSE(producers.front().transaction_start);
}

TEST_F(Admin, ACallThatTheBrokerDoesntOfferFailsWithASentence) {
  make_topic("t", 1);
  const auto got = wait(by->elect_leaders(election::preferred, {{first("t")}}));
  if (got) return;  // A broker that has learned it meanwhile.
  EXPECT_EQ(got.error().code, errc::unsupported_version);
  EXPECT_THAT(got.error().message, HasSubstr("ElectLeaders"));
}

TEST_F(Admin, ReadsAndChangesConfiguration) {
  make_topic("t", 1);
  const config_resource topic{resource_type::topic, "t"};
  ASSERT_TRUE(wait(by->alter_configs({{topic, {{.name = "retention.ms", .value = "5000"}}}})).value().at(topic));
  const auto entry = [&](std::string_view name) {
    const auto all = wait(by->describe_configs({topic}, true)).value().at(topic).value();
    const auto found = std::ranges::find(all, name, &config_entry::name);
    return found == all.end() ? config_entry{} : *found;
  };
  const config_entry set = entry("retention.ms");
  EXPECT_EQ(set.value, "5000");
  EXPECT_EQ(set.source, config_source::topic);
  EXPECT_EQ(set.type, config_type::int64);
  EXPECT_GE(set.synonyms.size(), 2);
  EXPECT_THAT(set.documentation.value_or(""), Not(IsEmpty()));
  const config_change back{.name = "retention.ms", .what = config_change::operation::remove};
  ASSERT_TRUE(wait(by->alter_configs({{topic, {back}}})).value().at(topic));
  EXPECT_EQ(entry("retention.ms").source, config_source::default_value);
  const config_resource own{resource_type::broker, "1"};
  EXPECT_GT(wait(by->describe_configs({own})).value().at(own).value().size(), 50);
  const config_resource none{resource_type::topic, "none"};
  EXPECT_FALSE(wait(by->describe_configs({none})).value().at(none));
}

TEST_F(Admin, SetsAndDeletesOffsetsOfAGroupWithoutMembers) {
  make_topic("t", 2);
  const committed_offset seven{.offset = offset(7), .metadata = "note"};
  ASSERT_TRUE(wait(by->alter_group_offsets("g", {{first("t"), seven}})).value().at(first("t")));
  EXPECT_EQ(wait(by->group_offsets("g")).value().at(first("t")), seven);
  EXPECT_THAT(wait(by->group_offsets("g", {{{"t", partition_id(1)}}})).value(), IsEmpty());
  const auto listed = wait(by->list_groups()).value();
  EXPECT_THAT(listed, Contains(::testing::Field(&listed_group::id, "g")));
  EXPECT_THAT(wait(by->list_groups({.states = {"Stable"}})).value(),
              Not(Contains(::testing::Field(&listed_group::id, "g"))));
  const described_group group =
      wait(by->describe_groups({"g"}, {.authorized_operations = true})).value().at("g").value();
  EXPECT_EQ(group.state, "Empty");
  EXPECT_EQ(group.coordinator, broker_id(1));
  EXPECT_THAT(group.authorized_operations, Contains(acl_operation::remove));
  EXPECT_EQ(wait(by->remove_members("g", {{.member_id = "nobody"}})).value().at("nobody").error().code,
            errc::unknown_member_id);
  EXPECT_THAT(wait(by->remove_members("g")).value(), IsEmpty());
  ASSERT_TRUE(wait(by->delete_group_offsets("g", {first("t")})).value().at(first("t")));
  EXPECT_THAT(wait(by->group_offsets("g")).value(), IsEmpty());
  // Its last offset gone, the group may be, too.
  static_cast<void>(wait(by->delete_groups({"g"})));
  EXPECT_EQ(wait(by->describe_groups({"g"})).value().at("g").error().code, errc::group_id_not_found);
}

TEST_F(Admin, DescribesTheCluster) {
  const described_cluster cluster = wait(by->describe_cluster({.authorized_operations = true})).value();
  ASSERT_EQ(cluster.nodes.size(), 1);
  EXPECT_EQ(cluster.nodes.front().host, "broker");
  EXPECT_FALSE(cluster.nodes.front().is_fenced);
  EXPECT_THAT(cluster.authorized_operations, Contains(acl_operation::alter));
  EXPECT_EQ(wait(by->describe_quorum()).value().leader, broker_id(1));
  EXPECT_TRUE(wait(by->describe_features()).value().features.at("metadata.version").finalized);
  const auto dirs = wait(by->describe_log_dirs()).value().at(broker_id(1)).value();
  ASSERT_EQ(dirs.size(), 1);
  EXPECT_EQ(dirs.front().state, errc::none);
  const statistics counted = wait(by->statistics()).value();
  EXPECT_EQ(counted.kind, "admin");
  EXPECT_EQ(counted.cluster_id, cluster.id);
  EXPECT_THAT(to_prometheus(counted), HasSubstr("broker=\"broker:9092\",id=\"1\"} 1\n"));
}

TEST_F(Admin, ACallGoesOnOverABrokersRestart) {
  make_topic("t", 1);
  broker.host().kill();
  std::optional<result<std::vector<listed_topic>>> got;
  by->list_topics().then([&](result<std::vector<listed_topic>> value) { got = std::move(value); });
  s.run_for(3s);
  EXPECT_FALSE(got);
  broker.restart();
  ASSERT_TRUE(s.run_until([&] { return got.has_value(); }, 60s));
  EXPECT_THAT(got->value(), Contains(::testing::Field(&listed_topic::name, "t")));
}

TEST_F(Admin, ACallEndsWithinItsTimeWhenTheBrokerIsGone) {
  broker.host().crash();
  const rt::duration before = s.now();
  const auto got = wait(by->list_topics());
  ASSERT_FALSE(got);
  EXPECT_TRUE(got.error().retriable()) << got.error().message;
  EXPECT_LE(s.now() - before, 40s);
  const auto quick = wait(by->list_topics().within(1s));
  EXPECT_EQ(quick.error().code, errc::timed_out);
}

TEST_F(Admin, ClosingEndsWhatIsUnderWayAndWhatComesLater) {
  broker.host().crash();
  std::vector<errc> seen;
  by->list_topics().then([&](const result<std::vector<listed_topic>>& got) { seen.push_back(got.error().code); });
  by->list_groups().then([&](const result<std::vector<listed_group>>& got) { seen.push_back(got.error().code); });
  s.run_for(500ms);
  const rt::duration before = s.now();
  ASSERT_TRUE(wait(by->close()));
  EXPECT_LT(s.now() - before, 100ms);
  EXPECT_EQ(seen, (std::vector<errc>{errc::closed, errc::closed}));
  EXPECT_EQ(wait(by->list_topics()).error().code, errc::closed);
  EXPECT_TRUE(wait(by->close()));
}

TEST_F(Admin, DestroyingOneEndsWhatIsUnderWay) {
  broker.host().crash();
  errc seen = errc::none;
  by->list_topics().then([&](const result<std::vector<listed_topic>>& got) { seen = got.error().code; });
  s.run_for(500ms);
  by.reset();
  s.run_for(1s);
  EXPECT_EQ(seen, errc::closed);
}

}  // namespace
}  // namespace moldau::client
