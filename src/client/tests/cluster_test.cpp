#include "client/cluster.hpp"

#include <gtest/gtest.h>

#include "client/tests/metadata_peer.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using testing::sim::simulator;

/// A client and three hosts: "boot", which bootstrap.servers names, and "a" and "b", which it says the brokers are.
struct Cluster : ::testing::Test {
  simulator s{7};
  testing::sim::host& home{s.add_host("client")};
  metadata_peer boot{s.add_host("boot")};
  metadata_peer a{s.add_host("a")};
  metadata_peer b{s.add_host("b")};
  std::vector<std::string> lines;
  client_options options{.bootstrap_servers = {"boot:9092"},
                         .request_timeout_ms = 2'000,
                         .api_timeout_ms = 20'000,
                         .connect_timeout_ms = 1'000,
                         .connect_timeout_max_ms = 2'000,
                         .world = moldau::world(home.core()),
                         .log = [this](log_severity, std::string_view line) { lines.emplace_back(line); }};
  std::shared_ptr<cluster> of;

  Cluster() {
    for (metadata_peer* each : {&boot, &a, &b}) each->nodes = {{1, "a"}, {2, "b"}};
  }
  void make() { of = std::make_shared<cluster>(home.core(), options); }
  result<void> refresh() { return s.run(home, of->refresh({})); }
  result<std::string> connected_to(rt::task<result<connection_ptr>> how) {
    return s.run(home, [](auto wait) -> rt::task<result<std::string>> {
      MOLDAU_CO_TRY_ASSIGN(const auto got, co_await std::move(wait));
      co_return got->remote().host;
    }(std::move(how)));
  }
  [[nodiscard]] bool was_said(std::string_view what) const {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.contains(what); });
  }
  [[nodiscard]] broker_statistics counted(std::string_view address) const {
    for (const broker_statistics& broker : of->count("admin").brokers) {
      if (broker.address == address) return broker;
    }
    return {};
  }
};

TEST_F(Cluster, LearnsTheBrokersAndCountsWhatItDoes) {
  make();
  ASSERT_TRUE(refresh());
  EXPECT_EQ(connected_to(of->broker(broker_id(2))).value(), "b");
  const statistics all = of->count("admin");
  EXPECT_EQ(all.cluster_id, "one");
  EXPECT_EQ(all.metadata_requests, 1);
  const broker_statistics second = counted("b:9092");
  EXPECT_EQ(second.id, broker_id(2));
  EXPECT_TRUE(second.is_connected);
  EXPECT_EQ(second.connects, 1);
  EXPECT_EQ(second.requests, 1);
  EXPECT_EQ(second.responses, 1);
  EXPECT_EQ(second.in_flight, 0);
  EXPECT_GT(second.sent_bytes, 0);
  EXPECT_GT(second.received_bytes, 0);
  EXPECT_GT(second.request_time.longest_us, 0);
}

TEST_F(Cluster, ABrokerThatRestartsIsConnectedToAgain) {
  make();
  ASSERT_TRUE(refresh());
  ASSERT_TRUE(connected_to(of->broker(broker_id(1))));
  a.host().kill();
  s.run_for(1s);
  EXPECT_FALSE(counted("a:9092").is_connected);
  EXPECT_EQ(counted("a:9092").disconnects, 1);
  EXPECT_FALSE(connected_to(of->broker(broker_id(1))));
  a.restart();
  EXPECT_EQ(connected_to(of->broker(broker_id(1))).value(), "a");
  EXPECT_EQ(counted("a:9092").connects, 2);
}

TEST_F(Cluster, AnAddressThatFailsIsLeftAloneForLongerEachTime) {
  options.reconnect_backoff_ms = 100;
  options.reconnect_backoff_max_ms = 1'000;
  make();
  ASSERT_TRUE(refresh());
  a.host().kill();
  const rt::duration before = s.now();
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(connected_to(of->broker(broker_id(1))));
  // 100, 200, 400, 800, 1000, 1000, give or take a tenth, lie between the seven.
  EXPECT_GT(s.now() - before, 3'100ms);
  EXPECT_LT(s.now() - before, 4'500ms);
  EXPECT_EQ(counted("a:9092").connect_failures, 7);
}

TEST_F(Cluster, ManyWhoWantOneBrokerShareAnAttempt) {
  make();
  ASSERT_TRUE(refresh());
  int got = 0;
  for (int i = 0; i < 20; ++i) {
    home.spawn([](Cluster& t, int& count) -> rt::task<void> {
      if (co_await t.of->broker(broker_id(2))) ++count;
    }(*this, got));
  }
  s.run_for(1s);
  EXPECT_EQ(got, 20);
  EXPECT_EQ(b.connections, 1);
}

TEST_F(Cluster, BeginsAgainWithTheBootstrapServersWhenAllBrokersAreGone) {
  make();
  ASSERT_TRUE(refresh());
  boot.host().kill();
  a.host().kill();
  b.host().kill();
  s.run_for(1s);
  EXPECT_FALSE(refresh());
  // The cluster has moved as a whole; only the name that the client was given leads there.
  metadata_peer moved(s.add_host("c"));
  moved.nodes = {{5, "c"}};
  boot.restart();
  boot.nodes = {{5, "c"}};
  ASSERT_TRUE(refresh());
  EXPECT_EQ(connected_to(of->broker(broker_id(5))).value(), "c");
  EXPECT_FALSE(of->view().nodes().contains(broker_id(1)));
  EXPECT_GE(of->count("admin").rebootstraps, 1);
  EXPECT_TRUE(was_said("beginning again with the bootstrap servers"));
}

TEST_F(Cluster, StaysWithTheBrokersThatItKnowsIfToldSo) {
  options.metadata_recovery = metadata_recovery::none;
  make();
  ASSERT_TRUE(refresh());
  for (metadata_peer* each : {&boot, &a, &b}) each->host().kill();
  s.run_for(1s);
  boot.restart();
  EXPECT_FALSE(refresh());
  EXPECT_EQ(boot.questions, 1);
  b.restart();
  EXPECT_TRUE(refresh());
  EXPECT_EQ(of->count("admin").rebootstraps, 0);
}

TEST_F(Cluster, BeginsAgainWhenABrokerSaysSo) {
  make();
  ASSERT_TRUE(refresh());
  boot.code = errc::rebootstrap_required;
  const auto failed = refresh();
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().retriable());
  EXPECT_EQ(of->count("admin").rebootstraps, 1);
  EXPECT_TRUE(of->view().nodes().empty());
  boot.code = errc::none;
  EXPECT_TRUE(refresh());
}

TEST_F(Cluster, BeginsAgainWhenNobodyAnswersForLong) {
  options.rebootstrap_trigger_ms = 10'000;
  make();
  ASSERT_TRUE(refresh());
  for (metadata_peer* each : {&boot, &a, &b}) each->then = metadata_peer::mood::stay_silent;
  const rt::duration before = s.now();
  while (of->count("admin").rebootstraps == 0 && s.now() - before < 60s) EXPECT_FALSE(refresh());
  EXPECT_EQ(of->count("admin").rebootstraps, 1);
  EXPECT_GE(s.now() - before, 10s);
  EXPECT_LT(s.now() - before, 15s);
}

TEST_F(Cluster, AsksAnotherBrokerWhereOneHangs) {
  make();
  ASSERT_TRUE(refresh());
  boot.host().kill();
  s.run_for(1s);
  a.then = metadata_peer::mood::stay_silent;
  // The one that hangs may be asked first, but not twice in a row.
  int failed = 0;
  while (!refresh() && failed < 5) ++failed;
  EXPECT_LE(failed, 1);
  EXPECT_GE(b.questions, 1);
}

TEST_F(Cluster, RefusesAnotherClustersAnswerAndBeginsAnewWhereTheBootstrapServersLead) {
  make();
  ASSERT_TRUE(refresh());
  boot.cluster_id = "two";
  boot.nodes = {{3, "a"}};
  EXPECT_FALSE(refresh());
  EXPECT_TRUE(was_said("belongs to cluster 'two', and until now this client worked with cluster 'one'"));
  EXPECT_TRUE(of->view().nodes().empty());
  EXPECT_EQ(of->count("admin").rebootstraps, 1);
  ASSERT_TRUE(refresh());
  EXPECT_EQ(of->view().cluster_id(), "two");
  EXPECT_EQ(of->view().nodes().size(), 1U);
  EXPECT_EQ(connected_to(of->broker(broker_id(1))).error().code, errc::broker_not_available);
}

TEST_F(Cluster, StaysWithItsClusterWhereItMayNotBeginAnew) {
  options.metadata_recovery = metadata_recovery::none;
  make();
  ASSERT_TRUE(refresh());
  boot.cluster_id = "two";
  const auto refused = refresh();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::inconsistent_cluster_id);
  EXPECT_EQ(of->view().cluster_id(), "one");
  EXPECT_EQ(of->view().nodes().size(), 2U);
}

TEST_F(Cluster, ClosingLetsEverybodyGoAtOnce) {
  options.connect_timeout_ms = 60'000;
  options.connect_timeout_max_ms = 60'000;
  make();
  ASSERT_TRUE(refresh());
  // One waits for an answer, one for a connection that never comes about, one for its turn.
  boot.then = metadata_peer::mood::stay_silent;
  s.net().partition(home, a.host());
  int ended = 0;
  const auto note = [](auto wait, int& count) -> rt::task<void> {
    const auto got = co_await std::move(wait);
    if (!got && got.error().code == errc::closed) ++count;
  };
  home.spawn(note(of->refresh({}), ended));
  home.spawn(note(of->broker(broker_id(1)), ended));
  home.spawn([](Cluster& t, int& count) -> rt::task<void> {
    if (!co_await t.of->nap(1h)) ++count;
  }(*this, ended));
  s.run_for(100ms);
  EXPECT_EQ(ended, 0);
  home.spawn([](Cluster& t) -> rt::task<void> {
    t.of->close();
    co_return;
  }(*this));
  s.run_for(1ms);
  EXPECT_EQ(ended, 3);
}

TEST_F(Cluster, AConnectionThatNobodyUsesIsClosedAndMadeAgain) {
  options.connections_idle_max_ms = 5'000;
  make();
  ASSERT_TRUE(refresh());
  EXPECT_TRUE(counted("boot:9092").is_connected);
  s.run_for(4s);
  EXPECT_TRUE(counted("boot:9092").is_connected);
  ASSERT_TRUE(refresh());
  s.run_for(4s);
  EXPECT_TRUE(counted("boot:9092").is_connected);
  s.run_for(4s);
  EXPECT_FALSE(counted("boot:9092").is_connected);
  EXPECT_EQ(counted("boot:9092").disconnects, 0);
  EXPECT_TRUE(refresh());
}

TEST_F(Cluster, StatisticsComeAtEveryIntervalUntilItIsClosed) {
  int reports = 0;
  options.statistics_interval_ms = 1'000;
  options.on_statistics = [&](const statistics& counted_now) {
    ++reports;
    EXPECT_EQ(counted_now.kind, "test");
    EXPECT_EQ(counted_now.rebalances, 3);
  };
  make();
  of->report_statistics("test", [](statistics& into) { into.rebalances = 3; });
  s.run_for(3'500ms);
  EXPECT_EQ(reports, 3);
  home.spawn([](Cluster& t) -> rt::task<void> {
    t.of->close();
    co_return;
  }(*this));
  s.run_for(5s);
  EXPECT_EQ(reports, 3);
}

}  // namespace
}  // namespace moldau::client
