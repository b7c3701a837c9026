#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "moldau/testing/simulator.hpp"

namespace moldau::testing {
namespace {

using namespace std::chrono_literals;

/// A program that counts its seconds.
struct ticker : std::enable_shared_from_this<ticker> {
  ticker(simulated_host& on, int& seconds, int& alive) : on_(on), seconds_(seconds), alive_(alive) { ++alive_; }
  ticker(const ticker&) = delete;
  ticker& operator=(const ticker&) = delete;
  ~ticker() { --alive_; }

  void wait() {
    executor& loop = on_.executor();
    loop.post_at(loop.now() + 1s, [self = weak_from_this()] {
      if (const auto here = self.lock()) {
        ++here->seconds_;
        here->wait();
      }
    });
  }

 private:
  simulated_host& on_;
  int& seconds_;
  int& alive_;
};

class PublicSimulator : public ::testing::Test {
 protected:
  void start(simulated_host& on) {
    on.start([this](simulated_host& here) {
      auto made = std::make_shared<ticker>(here, seconds, alive);
      made->wait();
      return made;
    });
  }

  int seconds = 0;
  int alive = 0;
  simulator world;
};

TEST_F(PublicSimulator, RunsAProgramInVirtualTime) {
  start(world.add_host("a"));
  world.run_for(3600500ms);
  EXPECT_EQ(seconds, 3600);
  EXPECT_EQ(alive, 1);
}

TEST_F(PublicSimulator, AKilledProgramIsGoneUntilItIsRestarted) {
  simulated_host& a = world.add_host("a");
  start(a);
  world.run_for(2500ms);
  a.kill();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(a.running());
  world.run_for(10s);
  EXPECT_EQ(seconds, 2);
  a.restart();
  world.run_for(2500ms);
  EXPECT_EQ(seconds, 4);
  EXPECT_EQ(alive, 1);
  a.cut_power();
  EXPECT_EQ(alive, 0);
}

TEST_F(PublicSimulator, APausedHostCatchesUp) {
  simulated_host& a = world.add_host("a");
  start(a);
  world.run_for(500ms);
  a.pause(10s);
  world.run_for(8s);
  EXPECT_EQ(seconds, 0);
  world.run_for(5s);
  EXPECT_GE(seconds, 1);
}

TEST_F(PublicSimulator, AHostsClockStepsAlone) {
  simulated_host& a = world.add_host("a");
  const simulated_host& b = world.add_host("b");
  a.step_clock(-1h);
  EXPECT_EQ(b.wall_ms() - a.wall_ms(), 3'600'000);
}

TEST(PublicSimulatorSeeds, ARunFollowsFromItsSeed) {
  const auto run = [](std::uint64_t seed) {
    int seconds = 0;
    int alive = 0;
    simulator world({.seed = seed, .weather = weather::rough});
    simulated_host& a = world.add_host("a");
    a.start([&](simulated_host& here) {
      auto made = std::make_shared<ticker>(here, seconds, alive);
      made->wait();
      return made;
    });
    world.run_for(10s);
    return world.trace_hash();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(PublicSimulatorSeeds, StopAtTheFirstThatFails) {
  for (const char* name : {"MOLDAU_SIM_SEED", "MOLDAU_SIM_FIRST", "MOLDAU_SIM_SEEDS"}) ::unsetenv(name);
  std::vector<std::uint64_t> seen;
  const bool passed = simulator::for_each_seed({.seed = 5}, 10, [&](simulator& world) {
    seen.push_back(world.seed());
    return seen.size() < 3;
  });
  EXPECT_FALSE(passed);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{5, 6, 7}));
}

}  // namespace
}  // namespace moldau::testing
