#include "testing/sim/seeds.hpp"

#include <gtest/gtest.h>

#include "rt/spawn.hpp"

namespace moldau::testing::sim {
namespace {

using namespace std::chrono_literals;

TEST(Seeds, StopsAtTheFirstFailingSeedAndNamesIt) {
  std::vector<std::uint64_t> ran;
  ::testing::internal::CaptureStderr();
  const bool fine =
      for_each_seed({.first = 3, .count = 10, .failed = [&] { return ran.back() == 5; }}, [&](simulator& s) {
        ran.push_back(s.seed());
        s.add_host("broker").core().log().warn("something odd");
      });
  const std::string printed = ::testing::internal::GetCapturedStderr();
  EXPECT_FALSE(fine);
  EXPECT_EQ(ran, (std::vector<std::uint64_t>{3, 4, 5}));
  EXPECT_NE(printed.find("MOLDAU_SIM_SEED=5"), std::string::npos);
  EXPECT_NE(printed.find("something odd"), std::string::npos);
}

TEST(Seeds, AnExceptionNamesItsSeedAndGoesOn) {
  ::testing::internal::CaptureStderr();
  EXPECT_THROW(for_each_seed({.first = 8}, [](simulator&) { throw std::runtime_error("defect"); }), std::runtime_error);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("MOLDAU_SIM_SEED=8"), std::string::npos);
}

TEST(Seeds, TheEnvironmentPicksOneSeed) {
  ::setenv("MOLDAU_SIM_SEED", "77", 1);
  std::vector<std::uint64_t> ran;
  EXPECT_TRUE(for_each_seed({}, [&](simulator& s) { ran.push_back(s.seed()); }));
  ::unsetenv("MOLDAU_SIM_SEED");
  EXPECT_EQ(ran, (std::vector<std::uint64_t>{77}));
}

TEST(Seeds, TheEnvironmentAsksForMoreOfTheLog) {
  ::setenv("MOLDAU_SIM_LOG", "debug", 1);
  ::testing::internal::CaptureStderr();
  for_each_seed({.count = 1, .failed = [] { return true; }, .log_lines = 1}, [&](simulator& s) {
    const auto& log = s.add_host("broker").core().log();
    log.debug("what led to it");
    log.warn("something odd");
  });
  ::unsetenv("MOLDAU_SIM_LOG");
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("what led to it"), std::string::npos);
}

TEST(LogBook, KeepsTheLastLinesWithTheirVirtualTimes) {
  options settings = calm();
  settings.log_lines = 2;
  simulator s(1, settings);
  host& a = s.add_host("a");
  for (int i = 0; i < 3; ++i) {
    a.core().log().info("line {}", i);
    s.run_for(1s);
  }
  ASSERT_EQ(s.logs().lines().size(), 2U);
  EXPECT_EQ(s.logs().lines()[1].at, 2s);
  EXPECT_FALSE(s.logs().contains("a", "line 0"));
  EXPECT_TRUE(s.logs().contains("a", "line 2"));
}

/// A counter kept on disk by one host and counted up by another over a network that is cut, partitioned and restarted.
/// Returns whether all that was acknowledged is on disk; with a `careless` server, which doesn't sync, it needn't be.
bool counting_scenario(simulator& s, bool careless) {
  host& server = s.add_host("server", 2);
  host& client = s.add_host("client");
  server.start([careless](host& h) -> rt::task<void> {
    rt::world& w = h.core();
    auto stored = co_await w.offload([&] { return w.files().read_file("count"); });
    int count = stored && !stored->empty() ? std::stoi(std::string(as_text(*stored))) : 0;
    auto listening = w.net().listen({"", 1}).value();
    while (true) {
      auto accepted = co_await listening->accept();
      if (!accepted) continue;
      std::array<std::byte, 1> into{};
      while (true) {
        const auto got = co_await (*accepted)->read_some(into);
        if (!got || *got == 0) break;
        const std::string text = std::to_string(++count);
        const auto kept = co_await w.offload([&]() -> result<void> {
          if (!careless) return w.files().write_file_atomically("count", as_bytes(text));
          MOLDAU_TRY_ASSIGN(auto f, w.files().open("count", rt::open_mode::create_empty));
          return f->write_at(0, as_bytes(text));
        });
        if (!kept) throw std::runtime_error(kept.error().message);
        std::vector<rt::chunk> answer;
        answer.emplace_back(shared_bytes::copy_of(into));
        if (!co_await (*accepted)->write(std::move(answer))) break;
      }
    }
  });
  int acknowledged = 0;
  client.start([&](host& h) -> rt::task<void> {
    rt::world& w = h.core();
    while (acknowledged < 100) {
      auto made = co_await w.net().connect({"server", 1}, 2000);
      if (!made) {
        co_await w.sleep_for(100ms);
        continue;
      }
      std::array<std::byte, 1> byte{std::byte{'+'}};
      while (acknowledged < 100) {
        std::vector<rt::chunk> request;
        request.emplace_back(shared_bytes::copy_of(byte));
        if (!co_await (*made)->write(std::move(request))) break;
        const auto got = co_await (*made)->read_some(byte);
        if (!got || *got == 0) break;
        ++acknowledged;
      }
    }
  });
  while (client.running() && s.now() < 3h) {
    s.run_for(std::chrono::milliseconds(s.random().between(1, 2000)));
    switch (s.random().below(6)) {
      case 0:
        server.crash();
        break;
      case 1:
        server.kill();
        break;
      case 2:
        s.net().partition(server, client);
        break;
      case 3:
        s.net().cut(server, client);
        break;
      case 4:
        server.disk().crash_at_change(s.random().between(1, 10));
        break;
      default:
        s.net().heal_all();
    }
    s.run_for(std::chrono::milliseconds(s.random().between(1, 500)));
    s.net().heal_all();
    if (!server.running()) server.restart();
  }
  EXPECT_FALSE(client.running());
  const std::string stored = server.disk().durable_content_of("count").value_or("0");
  return std::atoi(stored.c_str()) >= acknowledged;
}

TEST(Scenario, WhatWasAcknowledgedSurvivesEveryFault) {
  bool kept = true;
  EXPECT_TRUE(for_each_seed({.count = 30, .failed = [&] { return !kept; }},
                            [&](simulator& s) { kept = counting_scenario(s, false); }));
}

TEST(Scenario, AServerThatDoesNotSyncIsFoundOut) {
  bool kept = true;
  for (std::uint64_t seed = 1; seed <= 30 && kept; ++seed) {
    simulator s(seed, rough(seed));
    kept = counting_scenario(s, true);
  }
  EXPECT_FALSE(kept);
}

TEST(Scenario, FaultsReplayExactly) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    std::vector<std::uint64_t> hashes;
    for (int run = 0; run < 2; ++run) {
      simulator s(seed, rough(seed));
      counting_scenario(s, false);
      hashes.push_back(s.trace_hash());
    }
    EXPECT_EQ(hashes[0], hashes[1]) << seed;
  }
}

}  // namespace
}  // namespace moldau::testing::sim
