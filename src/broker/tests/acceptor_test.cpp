#include "broker/acceptor.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "testing/sim/simulator.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;
namespace sim = moldau::testing::sim;

class AcceptorTest : public ::testing::Test {
 protected:
  explicit AcceptorTest(sim::options options = sim::calm())
      : world_(9, options), server_(world_.add_host("server", 2)) {
    for (const char* name : {"one", "two"}) world_.add_host(name);
    under_test_ = std::make_unique<acceptor>(
        server_.core(),
        accept_limits{
            .connections_max = [this] { return connections_max_; },
            .per_listener_max = [this](std::string_view listener) { return listener == "INNER" ? inner_max_ : 1000; },
            .per_host_max = [this](std::string_view) { return host_max_; }},
        rt::socket_buffers{},
        [this](unsigned core, std::unique_ptr<rt::connection> socket, const std::string& listener) {
          served_.push_back({core, socket->remote().host, listener});
          sockets_.push_back(std::move(socket));
        });
    EXPECT_TRUE(under_test_->listen("OUTER", {"", 9092}));
    EXPECT_TRUE(under_test_->listen("INNER", {"", 9094}));
    EXPECT_TRUE(under_test_->listen("CONTROLLER", {"", 9093}, false));
    server_.spawn([](acceptor& a) -> rt::task<void> {
      a.start();
      co_return;
    }(*under_test_));
  }

  /// How many of the broker's handlers have seen a connection, after one more was made.
  std::size_t connect(const std::string& from, std::uint16_t port = 9092) {
    sim::host& host = world_.host_named(from);
    auto made = world_.run(host, host.core().net().connect({"server", port}, 5000), 0, 10s);
    EXPECT_TRUE(made);
    if (made) peers_.push_back(*std::move(made));
    world_.run_for(1s);
    return served_.size();
  }
  void release(std::size_t which) {
    world_.run(server_, release_on(which), 0, 10s);
    world_.run_for(1s);
  }
  rt::task<void> release_on(std::size_t which) {
    sockets_[which]->close();
    under_test_->released(served_[which].host, served_[which].listener);
    co_return;
  }
  bool is_closed(std::size_t peer, const std::string& host) {
    std::byte one;
    const auto read = [](rt::connection& from, std::byte& into) -> rt::task<result<std::size_t>> {
      co_return co_await from.read_some({&into, 1});
    };
    const auto got = world_.run(world_.host_named(host), read(*peers_[peer], one), 0, 10s);
    return !got || *got == 0;
  }

  struct served {
    unsigned core;
    std::string host;
    std::string listener;
  };
  sim::simulator world_;
  sim::host& server_;
  std::int64_t connections_max_ = 1000;
  std::int64_t inner_max_ = 1000;
  std::int64_t host_max_ = 1000;
  std::vector<served> served_;
  std::vector<std::unique_ptr<rt::connection>> sockets_;
  std::vector<std::unique_ptr<rt::connection>> peers_;
  std::unique_ptr<acceptor> under_test_;
};

TEST_F(AcceptorTest, DealsConnectionsOutInTurn) {
  for (int i = 0; i < 4; ++i) connect("one");
  ASSERT_EQ(served_.size(), 4U);
  EXPECT_EQ(served_[0].core, served_[2].core);
  EXPECT_NE(served_[0].core, served_[1].core);
  EXPECT_EQ(served_[0].listener, "OUTER");
}

TEST_F(AcceptorTest, ClosesOneTooManyOfAHost) {
  host_max_ = 1;
  EXPECT_EQ(connect("one"), 1U);
  EXPECT_EQ(connect("one"), 1U);
  EXPECT_TRUE(is_closed(1, "one"));
  EXPECT_EQ(under_test_->refused(), 1U);
  EXPECT_EQ(connect("two"), 2U) << "another host has its own count";
}

TEST_F(AcceptorTest, TakesAHostAgainOnceOneOfItsConnectionsIsGone) {
  host_max_ = 1;
  connect("one");
  release(0);
  EXPECT_EQ(connect("one"), 2U);
}

TEST_F(AcceptorTest, LetsOneTooManyWaitForASlot) {
  connections_max_ = 2;
  connect("one");
  connect("two");
  EXPECT_EQ(connect("one"), 2U);
  release(0);
  EXPECT_EQ(served_.size(), 3U);
  EXPECT_EQ(under_test_->connections(), 2);
}

TEST_F(AcceptorTest, TakesThoseWhoWaitWhenTheLimitRises) {
  connections_max_ = 1;
  connect("one");
  EXPECT_EQ(connect("two"), 1U);
  connections_max_ = 5;
  server_.spawn([](acceptor& a) -> rt::task<void> {
    a.limits_changed();
    co_return;
  }(*under_test_));
  world_.run_for(1s);
  EXPECT_EQ(served_.size(), 2U);
}

TEST_F(AcceptorTest, LimitsOneListenerAlone) {
  inner_max_ = 1;
  connect("one", 9094);
  EXPECT_EQ(connect("one", 9094), 1U);
  EXPECT_EQ(connect("one", 9092), 2U);
}

TEST_F(AcceptorTest, AlwaysTakesTheControllersConnections) {
  connections_max_ = 1;
  host_max_ = 1;
  connect("one");
  EXPECT_EQ(connect("one", 9093), 2U);
  EXPECT_EQ(under_test_->connections(), 1);
}

/// Half of all accepts fail, as they do when descriptors have run out.
class ExhaustedAcceptorTest : public AcceptorTest {
 protected:
  static sim::options exhausted() {
    sim::options out = sim::calm();
    out.network.accept_error = 0.5;
    return out;
  }
  ExhaustedAcceptorTest() : AcceptorTest(exhausted()) {}
};

TEST_F(ExhaustedAcceptorTest, TakesConnectionsOnceThereAreDescriptorsAgain) {
  for (int i = 0; i < 10; ++i) connect("one");
  world_.run_for(10s);
  EXPECT_EQ(served_.size(), 10U);
}

TEST_F(AcceptorTest, NamesListenerAndAddressThatCannotBeHad) {
  const auto again = under_test_->listen("OTHER", {"", 9092});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("9092 (OTHER)"), std::string::npos) << again.error().message;
}

TEST_F(AcceptorTest, StopsWhileSomebodyWaitsForASlot) {
  connections_max_ = 1;
  connect("one");
  connect("two");
  world_.run(server_, under_test_->stop(), 0, 10s);
  EXPECT_EQ(served_.size(), 1U);
}

}  // namespace
}  // namespace moldau::broker
