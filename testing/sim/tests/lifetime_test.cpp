#include <gtest/gtest.h>

#include <memory>

#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "testing/sim/simulator.hpp"

namespace moldau::testing::sim {
namespace {

using namespace std::chrono_literals;

/// Counts what is alive.
struct counted {
  int& alive;
  explicit counted(int& count) : alive(count) { ++alive; }
  counted(const counted&) = delete;
  ~counted() { --alive; }
};

TEST(Lifetime, AProgramThatReturnsExits) {
  simulator s(1);
  host& a = s.add_host("a");
  a.start([](host& h) -> rt::task<void> { co_await h.core().sleep_for(1s); });
  s.run_for(500ms);
  EXPECT_TRUE(a.running());
  s.run_for(1s);
  EXPECT_EQ(a.ended(), ending::exited);
}

TEST(Lifetime, AKillDestroysEveryFrameAndRunsNothingMore) {
  simulator s(1);
  host& a = s.add_host("a", 2);
  int alive = 0;
  bool resumed = false;
  a.start([&](host& h) -> rt::task<void> {
    const counted self(alive);
    rt::event never;
    rt::gate children;
    children.spawn([](rt::event& e, int& count) -> rt::task<void> {
      const counted waiting(count);
      co_await e.wait();
    }(never, alive));
    children.spawn([](host& on, int& count) -> rt::task<void> {
      const counted sleeping(count);
      co_await on.core().sleep_for(1h);
    }(h, alive));
    rt::spawn([](host& on, int& count) -> rt::task<void> {
      const counted working(count);
      while (true) co_await on.core().offload([] {});
    }(h, alive));
    co_await h.core().call_on(1, [&]() -> rt::task<void> {
      const counted away(alive);
      co_await children.drained();
      resumed = true;
    });
    resumed = true;
  });
  s.run_for(1s);
  EXPECT_EQ(alive, 5);
  a.kill();
  EXPECT_EQ(alive, 0);
  s.run_for(2h);
  EXPECT_FALSE(resumed);
}

TEST(Lifetime, YoungerFramesGoBeforeWhatTheyUse) {
  simulator s(1);
  host& a = s.add_host("a");
  std::vector<std::string> order;
  struct owned {
    std::vector<std::string>& log;
    std::string name;
    ~owned() { log.push_back(name); }
  };
  a.start([&](host& h) -> rt::task<void> {
    const owned server{order, "server"};
    rt::spawn([](host& on, std::vector<std::string>& log) -> rt::task<void> {
      const owned handler{log, "handler"};
      co_await on.core().sleep_for(1h);
    }(h, order));
    co_await h.core().sleep_for(1h);
  });
  s.run_for(1s);
  a.crash();
  EXPECT_EQ(order, (std::vector<std::string>{"handler", "server"}));
}

TEST(Lifetime, AProgramMayKillItsOwnHost) {
  simulator s(1);
  host& a = s.add_host("a");
  int steps = 0;
  a.start([&](host& h) -> rt::task<void> {
    co_await h.core().sleep_for(1s);
    ++steps;
    h.kill();
    EXPECT_FALSE(h.running());
    co_await h.core().sleep_for(1s);
    ++steps;
  });
  s.run_for(5s);
  EXPECT_EQ(steps, 1);
  EXPECT_EQ(a.ended(), ending::killed);
}

TEST(Lifetime, ARestartRunsTheProgramAgainOverTheSameDisk) {
  simulator s(1);
  host& a = s.add_host("a");
  std::vector<std::string> found;
  a.start([&](host& h) -> rt::task<void> {
    auto before = co_await h.core().offload([&] { return h.core().files().read_file("boots"); });
    found.push_back(before ? std::string(as_text(*before)) : "");
    const std::string next = found.back() + "x";
    EXPECT_TRUE(
        co_await h.core().offload([&] { return h.core().files().write_file_atomically("boots", as_bytes(next)); }));
    co_await h.core().sleep_for(24h);
  });
  for (int boot = 0; boot < 3; ++boot) {
    s.run_for(1s);
    boot == 1 ? a.kill() : a.crash(power_cut::lose_all());
    a.restart();
  }
  s.run_for(1s);
  EXPECT_EQ(found, (std::vector<std::string>{"", "x", "xx", "xxx"}));
  EXPECT_EQ(a.incarnation(), 4U);
}

TEST(Lifetime, ACrashPointEndsTheProcessInsideTheCall) {
  simulator s(1);
  host& a = s.add_host("a");
  bool after_write = false;
  bool resumed = false;
  a.disk().crash_at_change(2);
  a.start([&](host& h) -> rt::task<void> {
    co_await h.core().offload([&] {
      auto f = h.core().files().open("x", rt::open_mode::create).value();
      (void)f->write_at(0, as_bytes("1"));
      after_write = true;
    });
    resumed = true;
  });
  s.run_for(1s);
  EXPECT_EQ(a.ended(), ending::power_cut);
  EXPECT_FALSE(after_write);
  EXPECT_FALSE(resumed);
}

TEST(Lifetime, ACrashPointOnTheReactorUnwindsTheProgram) {
  simulator s(1);
  host& a = s.add_host("a");
  int alive = 0;
  bool went_on = false;
  a.disk().crash_at_change(1, ending::killed);
  a.start([&](host& h) -> rt::task<void> {
    const counted self(alive);
    auto f = h.core().files().open("x", rt::open_mode::create);
    went_on = true;
    co_return;
  });
  s.run_for(1s);
  EXPECT_EQ(a.ended(), ending::killed);
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(a.disk().content_of("x"));
}

TEST(Lifetime, CrashesComeByChanceToo) {
  simulator s(1);
  host& a = s.add_host("a");
  a.disk().faults().crash = 0.1;
  int boots = 0;
  a.start([&](host& h) -> rt::task<void> {
    ++boots;
    while (true) co_await h.core().offload([&] { return h.core().files().write_file_atomically("x", as_bytes("1")); });
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(s.run_until([&] { return !a.running(); }, 60s));
    a.restart();
  }
  s.run_for(1ms);
  EXPECT_EQ(boots, 21);
}

TEST(Lifetime, ASpawnedTaskGoesWithItsProcess) {
  simulator s(1);
  host& a = s.add_host("a");
  int alive = 0;
  a.spawn([](host& h, int& count) -> rt::task<void> {
    const counted self(count);
    co_await h.core().sleep_for(1h);
  }(a, alive));
  s.run_for(1s);
  EXPECT_EQ(alive, 1);
  a.kill();
  EXPECT_EQ(alive, 0);
}

TEST(Lifetime, ADeadProcessTakesNothing) {
  simulator s(1);
  host& a = s.add_host("a");
  rt::world& dead = a.core();
  auto f = dead.files().open("x", rt::open_mode::create).value();
  a.kill();
  a.restart();
  bool ran = false;
  dead.post([&] { ran = true; });
  auto timer = dead.post_at(dead.now(), [&] { ran = true; });
  dead.run_on_worker([&] { ran = true; }, [&] { ran = true; });
  s.run_for(1s);
  EXPECT_FALSE(ran);
  EXPECT_EQ(f->write_at(0, as_bytes("late")).error().code, errc::io_error);
  EXPECT_FALSE(dead.net().listen({"", 1}));
  EXPECT_EQ(a.disk().content_of("x"), "");
}

TEST(Lifetime, AnUnfinishedSimulationLeavesNothingBehind) {
  int alive = 0;
  {
    simulator s(1);
    host& a = s.add_host("a");
    a.start([&](host& h) -> rt::task<void> {
      const counted self(alive);
      auto timer = h.core().post_at(h.core().now() + 1h, [held = std::make_shared<counted>(alive)] {});
      co_await h.core().sleep_for(2h);
    });
    s.run_for(1s);
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Lifetime, RunningATaskOnAHostThatDiesThrows) {
  simulator s(1);
  host& a = s.add_host("a");
  EXPECT_THROW(s.run(a,
                     [](host& h) -> rt::task<void> {
                       co_await h.core().sleep_for(1s);
                       h.crash();
                     }(a)),
               task_not_ended);
}

}  // namespace
}  // namespace moldau::testing::sim
