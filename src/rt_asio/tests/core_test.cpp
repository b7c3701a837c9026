#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/metrics.hpp"
#include "rt_asio/tests/support.hpp"
#include "rt_asio/timer_queue.hpp"
#include "rt_asio/worker_pool.hpp"

namespace moldau::rt_asio {
namespace {

using namespace std::chrono_literals;

TEST(TimerQueue, FiresByTimeThenInTheOrderOfSetting) {
  timer_queue queue;
  const rt::time_point start{};
  std::vector<int> fired;
  std::vector<std::unique_ptr<rt::timer>> held;
  for (const int ms : {5, 1, 3, 3, 2, 9}) {
    held.push_back(queue.add(start + ms * 1ms,
                             [&fired, ms, nth = held.size()] { fired.push_back(ms * 10 + static_cast<int>(nth)); }));
  }
  EXPECT_EQ(queue.next(), start + 1ms);
  queue.fire_due(start + 5ms);
  EXPECT_EQ(fired, (std::vector<int>{11, 24, 32, 33, 50}));
  EXPECT_EQ(queue.next(), start + 9ms);
}

TEST(TimerQueue, CancelledAndDroppedTimersNeverFire) {
  timer_queue queue;
  const rt::time_point start{};
  int fired = 0;
  std::vector<std::unique_ptr<rt::timer>> held;
  for (int i = 0; i < 100; ++i) held.push_back(queue.add(start + (i * 37 % 100) * 1ms, [&] { ++fired; }));
  for (std::size_t i = 0; i < 100; i += 2) held[i]->cancel();
  for (std::size_t i = 1; i < 100; i += 4) held[i].reset();
  EXPECT_EQ(queue.size(), 25U);
  queue.fire_due(start + 1s);
  EXPECT_EQ(fired, 25);
}

TEST(TimerQueue, TimerThatSetsItselfAgainWaitsForTheNextRound) {
  timer_queue queue;
  std::unique_ptr<rt::timer> held;
  int fired = 0;
  std::function<void()> again = [&] {
    ++fired;
    held = queue.add({}, [&] { again(); });
  };
  held = queue.add({}, [&] { again(); });
  queue.fire_due({});
  EXPECT_EQ(fired, 1);
  queue.fire_due({});
  EXPECT_EQ(fired, 2);
}

TEST(TimerQueue, TimerMayOutliveTheQueue) {
  std::unique_ptr<rt::timer> held;
  {
    timer_queue queue;
    held = queue.add({}, [] {});
  }
  held->cancel();
}

TEST(Core, TimersFireInOrderAndNotEarly) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    const rt::time_point start = w.now();
    std::vector<int> fired;
    std::vector<std::unique_ptr<rt::timer>> held;
    for (const int ms : {20, 5, 10}) {
      held.push_back(w.post_at(start + ms * 1ms, [&fired, &w, start, ms] {
        EXPECT_GE(w.now(), start + ms * 1ms);
        fired.push_back(ms);
      }));
    }
    auto cancelled = w.post_at(start + 7ms, [&] { fired.push_back(7); });
    cancelled->cancel();
    co_await w.sleep_until(start + 21ms);
    EXPECT_EQ(fired, (std::vector<int>{5, 10, 20}));
  });
}

TEST(Core, PostedWorkRunsInOrderAndNotInsideTheCall) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    rt::world& w = h.core(0);
    std::vector<int> ran;
    for (int i = 0; i < 100; ++i) w.post([&ran, i] { ran.push_back(i); });
    EXPECT_TRUE(ran.empty());
    rt::completion<bool> last;
    w.post([&] { last.set(true); });
    co_await last;
    EXPECT_EQ(ran.size(), 100U);
    EXPECT_TRUE(std::ranges::is_sorted(ran));
  });
}

TEST(Core, WorkFromOneThreadStaysInOrderUnderLoad) {
  constexpr int count = 20000;
  host h({.cores = 1});
  int next = 0;
  bool ordered = true;
  std::thread other([&] {
    for (int i = 0; i < count; ++i) {
      h.core(0).post([&, i] {
        ordered = ordered && i == next++;
        if (next == count) h.stop();
      });
    }
  });
  h.run();
  other.join();
  EXPECT_TRUE(ordered);
  EXPECT_EQ(next, count);
}

TEST(Core, CallsCrossBetweenCoresUnderLoad) {
  run_on_host(4, [](host& h) -> rt::task<void> {
    // Plain integers: the thread sanitizer tells if a core ever touches another's.
    std::vector<std::uint64_t> counters(h.core_count());
    const auto caller = [&](unsigned home) -> rt::task<void> {
      for (unsigned i = 0; i < 500; ++i) {
        const unsigned target = (home + i) % h.core_count();
        const unsigned there = co_await h.core(home).call_on(target, [&, target]() -> rt::task<unsigned> {
          ++counters[target];
          if (target % 2 == 0) co_await h.core(target).offload([] {});
          co_return h.core(target).core();
        });
        EXPECT_EQ(there, target);
      }
    };
    rt::gate running;
    for (unsigned home = 0; home < h.core_count(); ++home) {
      for (int copies = 0; copies < 4; ++copies) {
        running.spawn(h.core(0).call_on(home, [&caller, home] { return caller(home); }));
      }
    }
    co_await running.drained();
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < h.core_count(); ++i) {
      sum += co_await h.core(0).call_on(i, [&, i]() -> rt::task<std::uint64_t> { co_return counters[i]; });
    }
    EXPECT_EQ(sum, 4U * 4U * 500U);
  });
}

// Here and not beside the registry, as it takes two threads; for the thread sanitizer above all.
TEST(Core, MetricsCountOnOneCoreWhileAnotherReads) {
  run_on_host(2, [](host& h) -> rt::task<void> {
    base::metrics registry;
    bool ended = false;
    rt::gate counting;
    counting.spawn([](host& on, base::metrics& to, bool& done) -> rt::task<void> {
      co_await on.core(0).call_on(1, [&]() -> rt::task<void> {
        for (int topic = 0; topic < 100; ++topic) {
          const auto made = to.make_counter("records_total", "Records", {{"topic", std::to_string(topic)}});
          const auto times = to.make_histogram("latency_seconds", "Latency");
          for (int i = 0; i < 100; ++i) {
            made->add();
            times->observe(i);
          }
        }
        co_return;
      });
      done = true;
    }(h, registry, ended));
    while (!ended) {
      (void)registry.text();
      co_await h.core(0).sleep_for(10us);
    }
    co_await counting.drained();
    EXPECT_EQ(registry.text(), "");
  });
}

TEST(Core, ExceptionsComeBackFromAnotherCore) {
  run_on_host(2, [](host& h) -> rt::task<void> {
    bool caught = false;
    try {
      co_await h.core(0).call_on(1, []() -> rt::task<void> {
        throw std::runtime_error("there");
        co_return;
      });
    } catch (const std::runtime_error& failure) {
      caught = std::string_view(failure.what()) == "there";
    }
    EXPECT_TRUE(caught);
  });
}

TEST(Core, OffloadRunsElsewhereAndBringsTheValueBack) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    const auto home = std::this_thread::get_id();
    const auto worker = co_await h.core(0).offload([] { return std::this_thread::get_id(); });
    EXPECT_NE(worker, home);
    EXPECT_EQ(std::this_thread::get_id(), home);
  });
}

TEST(Core, OffloadBringsExceptionsBack) {
  run_on_host(1, [](host& h) -> rt::task<void> {
    bool caught = false;
    try {
      co_await h.core(0).offload([] { throw std::runtime_error("bad"); });
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
  });
}

TEST(Core, RandomNumbersDifferBetweenCoresAndCalls) {
  host h({.cores = 2});
  std::set<std::uint64_t> drawn;
  for (int i = 0; i < 100; ++i) {
    drawn.insert(h.core(0).random());
    drawn.insert(h.core(1).random());
  }
  EXPECT_EQ(drawn.size(), 200U);
}

TEST(Core, WallClockIsTheSystems) {
  host h({.cores = 1});
  const auto before = std::chrono::system_clock::now().time_since_epoch() / 1ms;
  const auto now = h.core(0).wall_ms();
  EXPECT_GE(now, before);
  EXPECT_LE(now, std::chrono::system_clock::now().time_since_epoch() / 1ms);
}

TEST(WorkerPool, StartsNoMoreThreadsThanItsBound) {
  host h({.cores = 1, .workers = 3});
  std::mutex guard;
  std::set<std::thread::id> seen;
  int left = 200;
  h.core(0).post([&] {
    for (int i = 0; i < 200; ++i) {
      h.core(0).run_on_worker(
          [&] {
            const std::lock_guard lock(guard);
            seen.insert(std::this_thread::get_id());
          },
          [&] {
            if (--left == 0) h.stop();
          });
    }
  });
  h.run();
  EXPECT_GE(seen.size(), 1U);
  EXPECT_LE(seen.size(), 3U);
}

TEST(Host, FinishesWorkersJobsBeforeRunReturns) {
  std::atomic<int> done{0};
  host h({.cores = 1, .workers = 2});
  h.core(0).post([&] {
    for (int i = 0; i < 50; ++i) h.core(0).run_on_worker([&] { ++done; }, [] {});
    h.stop();
  });
  h.run();
  EXPECT_EQ(done, 50);
}

TEST(Host, DropsWhatIsPostedAfterStop) {
  auto witness = std::make_shared<int>(0);
  host h({.cores = 2});
  h.core(0).post([&] { h.stop(); });
  h.run();
  h.core(1).post([witness] { ++*witness; });
  h.core(0).run_on_worker([witness] { ++*witness; }, [witness] { ++*witness; });
  EXPECT_EQ(*witness, 0);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Host, NeverRunDropsItsWork) {
  auto witness = std::make_shared<int>(0);
  {
    host h({.cores = 2});
    h.core(1).post([witness] { ++*witness; });
    EXPECT_EQ(witness.use_count(), 2);
  }
  EXPECT_EQ(*witness, 0);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Host, StopTakesDownCoroutinesThatStillWait) {
  auto witness = std::make_shared<int>(0);
  host h({.cores = 2});
  for (unsigned core = 0; core < 2; ++core) {
    h.core(core).post([&h, core, witness] {
      rt::spawn([](rt::world& w, std::shared_ptr<int>) -> rt::task<void> {
        auto listening = *w.net().listen({.host = "127.0.0.1", .port = 0});
        (void)co_await listening->accept();
      }(h.core(core), witness));
      rt::spawn([](rt::world& w, std::shared_ptr<int>) -> rt::task<void> { co_await w.sleep_for(1h); }(h.core(core),
                                                                                                       witness));
      if (core == 1) h.stop();
    });
  }
  h.run();
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Host, RunThrowsWhatLeftAnyCoresLoop) {
  host h({.cores = 2});
  h.core(1).post([] { throw std::runtime_error("broken"); });
  EXPECT_THROW(h.run(), std::runtime_error);
}

TEST(Host, WorkersExceptionReachesTheLoop) {
  host h({.cores = 1});
  h.core(0).post([&] { h.core(0).run_on_worker([] { throw std::runtime_error("broken"); }, [] {}); });
  EXPECT_THROW(h.run(), std::runtime_error);
}

TEST(Host, SignalsArriveOnCoreZeroEachTime) {
  host h({.cores = 1});
  std::vector<int> got;
  h.on_signal({SIGUSR1, SIGUSR2}, [&](int number) {
    got.push_back(number);
    if (got.size() == 2) h.stop();
    std::raise(SIGUSR2);
  });
  h.core(0).post([] { std::raise(SIGUSR1); });
  h.run();
  EXPECT_EQ(got, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

}  // namespace
}  // namespace moldau::rt_asio
