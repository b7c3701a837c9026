#include <gtest/gtest.h>

#include <vector>

#include "rt/event.hpp"
#include "testing/sim/simulator.hpp"

namespace moldau::testing::sim {
namespace {

using namespace std::chrono_literals;

options instant() {
  options out = calm();
  out.event_cost_max = 0ns;
  return out;
}

/// Two cores that pass a counter on, sleep and use workers: something of everything.
std::uint64_t busy_run(std::uint64_t seed) {
  simulator s(seed, rough(seed));
  host& a = s.add_host("a", 3);
  int rounds = 0;
  const auto player = [&](unsigned core) -> rt::task<void> {
    for (int i = 0; i < 20; ++i) {
      rt::world& w = a.core(core);
      co_await w.sleep_for(std::chrono::microseconds(w.random() % 1000));
      co_await w.offload([&] { ++rounds; });
      co_await w.call_on((core + 1) % 3, [&]() -> rt::task<void> {
        w.log().info("round {}", rounds);
        co_return;
      });
    }
  };
  for (unsigned core = 0; core < 3; ++core) a.core(core).post([&, core] { rt::spawn(player(core)); });
  EXPECT_TRUE(s.run_until([&] { return rounds == 60; }));
  s.run_for(1s);
  return s.trace_hash();
}

TEST(Scheduling, SameSeedGivesTheSameTrace) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) EXPECT_EQ(busy_run(seed), busy_run(seed));
}

TEST(Scheduling, AnotherSeedGivesAnotherTrace) {
  EXPECT_NE(busy_run(1), busy_run(2));
}

TEST(Scheduling, OneCoreRunsItsPostsInOrder) {
  simulator s(7);
  host& a = s.add_host("a");
  std::vector<int> seen;
  for (int i = 0; i < 50; ++i) a.core().post([&, i] { seen.push_back(i); });
  while (s.step()) {
  }
  std::vector<int> expected(50);
  for (int i = 0; i < 50; ++i) expected[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(seen, expected);
}

TEST(Scheduling, CoresInterleaveDifferentlyBySeed) {
  const auto order = [](std::uint64_t seed) {
    simulator s(seed, instant());
    host& a = s.add_host("a", 2);
    std::vector<unsigned> seen;
    for (int i = 0; i < 20; ++i) {
      for (unsigned core = 0; core < 2; ++core) a.core(core).post([&, core] { seen.push_back(core); });
    }
    while (s.step()) {
    }
    return seen;
  };
  EXPECT_NE(order(1), order(2));
}

TEST(Scheduling, WorkFromOneCoreToAnotherStaysInOrder) {
  simulator s(3);
  host& a = s.add_host("a", 2);
  std::vector<int> seen;
  a.core(0).post([&] {
    for (int i = 0; i < 10; ++i) a.core(0).on_core(1).post([&, i] { seen.push_back(i); });
  });
  while (s.step()) {
  }
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Scheduling, TimersFireAtTheirVirtualTime) {
  simulator s(1, instant());
  host& a = s.add_host("a");
  const auto elapsed = s.run(
      a,
      [](rt::world& w) -> rt::task<rt::duration> {
        const auto before = w.now();
        co_await w.sleep_for(3600s);
        co_return w.now() - before;
      }(a.core()),
      0, 2h);
  EXPECT_EQ(elapsed, 3600s);
}

TEST(Scheduling, ACancelledTimerDoesNotFire) {
  simulator s(1);
  host& a = s.add_host("a");
  bool fired = false;
  auto timer = a.core().post_at(a.core().now() + 1s, [&] { fired = true; });
  timer->cancel();
  s.run_for(2s);
  EXPECT_FALSE(fired);
}

TEST(Scheduling, ATimerCancelledWhileItsWorkIsQueuedDoesNotFire) {
  simulator s(1, instant());
  host& a = s.add_host("a");
  bool fired = false;
  const auto at = a.core().now() + 1s;
  std::unique_ptr<rt::timer> second;
  auto first = a.core().post_at(at, [&] { second.reset(); });
  second = a.core().post_at(at, [&] { fired = true; });
  s.run_for(2s);
  EXPECT_EQ(second, nullptr);
  EXPECT_FALSE(fired);
}

TEST(Scheduling, RunForTakesExactlyThatTimeEvenWhenNothingHappens) {
  simulator s(1);
  s.add_host("a");
  s.run_for(5s);
  EXPECT_EQ(s.now(), 5s);
}

TEST(Scheduling, RunUntilGivesUpAtItsLimit) {
  simulator s(1);
  host& a = s.add_host("a");
  auto timer = a.core().post_at(a.core().now() + 10s, [] {});
  EXPECT_FALSE(s.run_until([] { return false; }, 3s));
  EXPECT_EQ(s.now(), 3s);
}

TEST(Scheduling, ATaskThatWaitsForNothingIsReported) {
  simulator s(1);
  host& a = s.add_host("a");
  rt::event never;
  EXPECT_THROW(s.run(a, [](rt::event& e) -> rt::task<void> { co_await e.wait(); }(never)), task_not_ended);
}

TEST(Scheduling, NoMoreWorkersRunAtOnceThanThereAre) {
  options settings = calm();
  settings.workers_per_host = 2;
  settings.disk.latency = {1s, 1s};
  simulator s(1, settings);
  host& a = s.add_host("a");
  int done = 0;
  for (int i = 0; i < 4; ++i) {
    a.core().run_on_worker([&] { (void)a.core().files().list("."); }, [&] { ++done; });
  }
  s.run_for(1500ms);
  EXPECT_EQ(done, 2);
  s.run_for(1s);
  EXPECT_EQ(done, 4);
}

TEST(Scheduling, AnExceptionOfAProgramComesOutOfTheRun) {
  simulator s(1);
  host& a = s.add_host("a");
  a.start([](host&) -> rt::task<void> {
    throw std::runtime_error("defect");
    co_return;
  });
  EXPECT_THROW(s.run_for(1s), std::runtime_error);
}

TEST(Scheduling, WallClockStepsApartFromTheMonotonicOne) {
  simulator s(1, instant());
  host& a = s.add_host("a");
  const auto wall = a.core().wall_ms();
  const auto monotonic = a.core().now();
  s.run_for(2s);
  a.step_clock(-60'000);
  EXPECT_EQ(a.core().wall_ms() - wall, 2'000 - 60'000);
  EXPECT_EQ(a.core().now() - monotonic, 2s);
}

TEST(Scheduling, APausedHostDoesNothingWhileTimeGoesOn) {
  simulator s(1);
  host& a = s.add_host("a");
  bool ran = false;
  a.pause(10s);
  a.core().post([&] { ran = true; });
  s.run_for(9s);
  EXPECT_FALSE(ran);
  s.run_for(2s);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace moldau::testing::sim
