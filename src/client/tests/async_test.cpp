#include "moldau/core/async.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "client/runtime.hpp"
#include "testing/sim/simulator.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using testing::sim::host;
using testing::sim::simulator;

struct queue_executor final : executor {
  std::deque<work> queued;
  void post(work what) override { queued.push_back(std::move(what)); }
  void post_at(time_point, work what) override { queued.push_back(std::move(what)); }
  [[nodiscard]] time_point now() const override { return {}; }
  void run() {
    while (!queued.empty()) {
      auto next = std::move(queued.front());
      queued.pop_front();
      next();
    }
  }
};

TEST(Async, WaitsForAValueOfAnotherThread) {
  promise<int> given;
  auto value = given.get_async();
  EXPECT_FALSE(value.is_ready());
  EXPECT_EQ(value.get_for(1ms).error().code, errc::timed_out);
  std::thread giver([given] { given.set(7); });
  EXPECT_EQ(value.get().value(), 7);
  giver.join();
  EXPECT_EQ(value.get().error().code, errc::invalid_argument);
}

TEST(Async, FailsWhenThePromiseIsDropped) {
  auto value = promise<int>().get_async();
  EXPECT_EQ(value.get().error().code, errc::closed);
}

TEST(Async, WhatWouldBeCalledGoesWithAPromiseThatWasDroppedInASimulation) {
  const auto held = std::make_shared<int>(1);
  std::optional<promise<int>> dropped(std::in_place, nullptr, when_abandoned::leave);
  auto early = dropped->get_async();
  auto late = dropped->get_async();
  std::move(early).then([held](const result<int>&) { FAIL() << "nobody gave a value"; });
  dropped.reset();
  EXPECT_EQ(held.use_count(), 1);
  std::move(late).then([held](const result<int>&) { FAIL() << "nobody gave a value"; });
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Async, CallsBackOnTheExecutor) {
  queue_executor loop;
  promise<int> given(&loop);
  int seen = 0;
  given.get_async().then([&](result<int> value) { seen = value.value(); });
  given.set(3);
  EXPECT_EQ(seen, 0);
  loop.run();
  EXPECT_EQ(seen, 3);
}

TEST(Async, TakesHandlersThatCanOnlyBeMoved) {
  promise<std::unique_ptr<int>> given;
  int seen = 0;
  given.get_async().then(
      [&, own = std::make_unique<int>(1)](result<std::unique_ptr<int>> value) { seen = **value + *own; });
  given.set(std::make_unique<int>(4));
  EXPECT_EQ(seen, 5);
}

TEST(Async, CancellingTellsTheWorkerAndEndsTheWaitingOnce) {
  promise<int> given;
  auto value = given.get_async();
  bool told = false;
  given.on_cancel([&] { told = true; });
  EXPECT_FALSE(given.token().is_cancelled());
  value.cancel();
  EXPECT_TRUE(told);
  EXPECT_TRUE(given.token().is_cancelled());
  result<int> late = 5;
  EXPECT_FALSE(given.offer(late));
  EXPECT_EQ(late.value(), 5);
  EXPECT_EQ(value.get().error().code, errc::cancelled);
}

TEST(Async, AStopRequestCancels) {
  std::stop_source source;
  promise<int> given;
  auto value = given.get_async().stopped_by(source.get_token());
  EXPECT_FALSE(value.is_ready());
  source.request_stop();
  EXPECT_EQ(value.get().error().code, errc::cancelled);
  EXPECT_EQ(promise<int>(given).get_async().stopped_by(source.get_token()).get().error().code, errc::invalid_argument);
}

TEST(Async, AStopThatWasAskedForBeforeCancelsAtOnce) {
  std::stop_source source;
  source.request_stop();
  const promise<int> given;
  EXPECT_EQ(given.get_async().stopped_by(source.get_token()).get().error().code, errc::cancelled);
}

struct plain_coroutine {
  struct promise_type {
    plain_coroutine get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const { throw; }
  };
  std::coroutine_handle<promise_type> frame;
};

plain_coroutine await_into(async<int> value, int& into) {
  into = (co_await std::move(value)).value_or(-1);
}

TEST(Async, ResumesWhoAwaitsIt) {
  const promise<int> given;
  int seen = 0;
  auto waiting = await_into(given.get_async(), seen);
  given.set(9);
  EXPECT_EQ(seen, 9);
  waiting.frame.destroy();
}

TEST(Async, ADestroyedCoroutineIsNotResumed) {
  queue_executor loop;
  const promise<int> given(&loop);
  int seen = 0;
  await_into(given.get_async(), seen).frame.destroy();
  auto second = await_into(given.get_async(), seen);
  given.set(9);
  second.frame.destroy();
  loop.run();
  EXPECT_EQ(seen, 0);
}

struct Deadlines : ::testing::Test {
  simulator s{1};
  host& home{s.add_host("client")};
  client_options options{.world = moldau::world(home.core())};
  runtime on{options};
};

TEST_F(Deadlines, EndACallInTime) {
  const auto done = on.make_promise<int>();
  errc seen = errc::none;
  done.get_async().within(2s).then([&](const result<int>& value) { seen = value.error().code; });
  s.run_for(1999ms);
  EXPECT_EQ(seen, errc::none);
  s.run_for(2ms);
  EXPECT_EQ(seen, errc::timed_out);
}

TEST_F(Deadlines, TheEarlierOfTwoCountsWhicheverWasSetFirst) {
  const auto slow = on.make_promise<int>();
  const auto quick = on.make_promise<int>();
  std::vector<int> order;
  slow.get_async().within(9s).then([&](const result<int>&) { order.push_back(9); });
  s.run_for(1s);
  quick.get_async().within(3s).then([&](const result<int>&) { order.push_back(3); });
  s.run_for(4s);
  EXPECT_EQ(order, std::vector<int>{3});
  s.run_for(5s);
  EXPECT_EQ(order, (std::vector<int>{3, 9}));
}

TEST_F(Deadlines, DontTouchCallsThatEndBefore) {
  int failed = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto done = on.make_promise<int>();
    done.get_async().within(1s).then([&](const result<int>& value) { failed += value ? 0 : 1; });
    done.set(i);
    s.run_for(10ms);
  }
  EXPECT_EQ(failed, 0);
}

TEST_F(Deadlines, ReachTheOneWhoWorks) {
  bool was_cancelled = false;
  result<void> out;
  on.start<void>([&](call_token call) -> rt::task<result<void>> {
      co_await home.core().sleep_for(5s);
      was_cancelled = call.is_cancelled();
      co_return result<void>();
    })
      .within(1s)
      .then([&](result<void> value) { out = std::move(value); });
  s.run_for(10s);
  EXPECT_TRUE(was_cancelled);
  EXPECT_EQ(out.error().code, errc::timed_out);
}

TEST_F(Deadlines, AValueThatComesTooLateIsHandedBack) {
  int kept = 0;
  auto value = on.start<int>(
      [&]() -> rt::task<result<int>> {
        co_await home.core().sleep_for(5s);
        co_return 8;
      },
      [&](const result<int>& late) { kept = late.value(); });
  value.cancel();
  s.run_for(6s);
  EXPECT_EQ(kept, 8);
}

TEST_F(Deadlines, GettingWhereItWouldWaitForItselfIsRefused) {
  EXPECT_EQ(on.make_promise<int>().get_async().get().error().code, errc::invalid_argument);
}

TEST(RealDeadlines, EndACallWhileTheThreadGoesOn) {
  const client_options options;
  runtime on(options);
  const auto done = on.make_promise<int>();
  EXPECT_EQ(done.get_async().within(5ms).get().error().code, errc::timed_out);
  const auto other = on.make_promise<int>();
  auto value = other.get_async().within(1h);
  on.stop();
  other.set(2);
  EXPECT_EQ(value.get().value(), 2);
}

}  // namespace
}  // namespace moldau::client
