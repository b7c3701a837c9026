#include "rt/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "rt/completion.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"

namespace moldau::rt {
namespace {

task<int> seven() {
  co_return 7;
}

task<void> append(std::vector<int>& to, int what) {
  to.push_back(what);
  co_return;
}

TEST(Task, StartsOnlyWhenAwaited) {
  std::vector<int> seen;
  task<void> lazy = append(seen, 1);
  EXPECT_TRUE(seen.empty());
  spawn(std::move(lazy));
  EXPECT_EQ(seen, std::vector<int>{1});
}

TEST(Task, BringsItsValueToTheAwaiter) {
  int got = 0;
  spawn([](int& out) -> task<void> { out = co_await seven() + co_await seven(); }(got));
  EXPECT_EQ(got, 14);
}

TEST(Task, BringsMoveOnlyValues) {
  std::unique_ptr<int> got;
  const auto make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
  spawn([](auto& from, auto& out) -> task<void> { out = co_await from(); }(make, got));
  EXPECT_EQ(*got, 3);
}

TEST(Task, ThrowsItsExceptionInTheAwaiter) {
  std::string got;
  const auto failing = []() -> task<int> {
    throw std::runtime_error("broken");
    co_return 1;
  };
  spawn([](auto& from, std::string& out) -> task<void> {
    try {
      co_await from();
    } catch (const std::runtime_error& failure) {
      out = failure.what();
    }
  }(failing, got));
  EXPECT_EQ(got, "broken");
}

TEST(Task, LongChainOfReadyTasksTakesNoStack) {
  std::uint64_t sum = 0;
  spawn([](std::uint64_t& out) -> task<void> {
    for (int i = 0; i < 1'000; ++i) out += static_cast<std::uint64_t>(co_await seven());
  }(sum));
  EXPECT_EQ(sum, 7'000U);
}

TEST(Task, UnstartedTaskFreesWhatItWasGiven) {
  auto witness = std::make_shared<int>(1);
  {
    task<void> never = [](std::shared_ptr<int> held) -> task<void> {
      ++*held;
      co_return;
    }(witness);
    EXPECT_EQ(witness.use_count(), 2);
  }
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_EQ(*witness, 1);
}

TEST(Completion, ResumesItsAwaiterInsideSet) {
  completion<int> done;
  int got = 0;
  spawn([](completion<int>& from, int& out) -> task<void> { out = co_await from; }(done, got));
  EXPECT_EQ(got, 0);
  EXPECT_FALSE(done.is_set());
  done.set(5);
  EXPECT_EQ(got, 5);
}

TEST(Completion, SetBeforeTheAwaitDoesNotSuspend) {
  completion<int> done;
  done.set(5);
  int got = 0;
  spawn([](completion<int>& from, int& out) -> task<void> { out = co_await from; }(done, got));
  EXPECT_EQ(got, 5);
}

TEST(Completion, SettingTwiceBreaksAnInvariant) {
  completion<int> done;
  done.set(1);
  EXPECT_THROW(done.set(2), base::broken_invariant);
}

TEST(Event, WakesAllWhoWaitEachTime) {
  event bell;
  int rung = 0;
  const auto listen = [](event& from, int& count, int times) -> task<void> {
    for (int i = 0; i < times; ++i) {
      co_await from.wait();
      ++count;
    }
  };
  spawn(listen(bell, rung, 1));
  spawn(listen(bell, rung, 2));
  bell.notify_all();
  EXPECT_EQ(rung, 2);
  EXPECT_TRUE(bell.has_waiters());
  bell.notify_all();
  EXPECT_EQ(rung, 3);
  EXPECT_FALSE(bell.has_waiters());
}

TEST(Event, WokenMayDestroyTheEvent) {
  auto bell = std::make_unique<event>();
  bool other = false;
  spawn([](std::unique_ptr<event>& own) -> task<void> {
    co_await own->wait();
    own.reset();
  }(bell));
  spawn([](event& from, bool& woken) -> task<void> {
    co_await from.wait();
    woken = true;
  }(*bell, other));
  bell->notify_all();
  EXPECT_TRUE(other);
}

TEST(Gate, DrainsWhenTheLastTaskHasEnded) {
  gate running;
  completion<bool> first;
  completion<bool> second;
  const auto wait_for = [](completion<bool>& what) -> task<void> { co_await what; };
  running.spawn(wait_for(first));
  running.spawn(wait_for(second));
  bool drained = false;
  spawn([](gate& of, bool& out) -> task<void> {
    co_await of.drained();
    out = true;
  }(running, drained));
  EXPECT_EQ(running.running(), 2U);
  first.set(true);
  EXPECT_FALSE(drained);
  second.set(true);
  EXPECT_TRUE(drained);
  EXPECT_EQ(running.running(), 0U);
}

TEST(Gate, EmptyGateIsDrainedAtOnce) {
  gate running;
  bool drained = false;
  spawn([](gate& of, bool& out) -> task<void> {
    co_await of.drained();
    out = true;
  }(running, drained));
  EXPECT_TRUE(drained);
}

TEST(Gate, DrainsOnlyAfterTheTasksOwnedThingsAreGone) {
  auto running = std::make_unique<gate>();
  completion<bool> go;
  auto witness = std::make_shared<int>(0);
  running->spawn([](std::shared_ptr<int>, completion<bool>& what) -> task<void> { co_await what; }(witness, go));
  long left = -1;
  spawn([](std::unique_ptr<gate>& of, std::shared_ptr<int>& seen, long& out) -> task<void> {
    co_await of->drained();
    out = seen.use_count();
    of.reset();
  }(running, witness, left));
  go.set(true);
  EXPECT_EQ(left, 1);
}

TEST(Gate, TaskThatFailsIsCountedOut) {
  detached_frames failed;
  const detached_frames::scope keep(&failed);
  gate running;
  EXPECT_THROW(running.spawn([]() -> task<void> {
    throw std::runtime_error("broken");
    co_return;
  }()),
               std::runtime_error);
  EXPECT_EQ(running.running(), 0U);
}

TEST(DetachedFrames, TakesDownFramesThatWaitNewestFirst) {
  struct note {
    std::vector<int>& to;
    int what;
    ~note() { to.push_back(what); }
  };
  std::vector<int> gone;
  completion<bool> never;
  {
    detached_frames frames;
    const detached_frames::scope here(&frames);
    for (int i = 0; i < 3; ++i) {
      spawn([](completion<bool>& what, std::vector<int>& to, int nth) -> task<void> {
        const note mine{.to = to, .what = nth};
        co_await what;
      }(never, gone, i));
    }
    EXPECT_FALSE(frames.empty());
    EXPECT_TRUE(gone.empty());
  }
  EXPECT_EQ(gone, (std::vector<int>{2, 1, 0}));
}

TEST(DetachedFrames, ForgetsFramesThatEnd) {
  detached_frames frames;
  const detached_frames::scope here(&frames);
  completion<bool> done;
  spawn([](completion<bool>& what) -> task<void> { co_await what; }(done));
  EXPECT_FALSE(frames.empty());
  done.set(true);
  EXPECT_TRUE(frames.empty());
}

}  // namespace
}  // namespace moldau::rt
