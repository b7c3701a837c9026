// Appends, reads, rolls and flushes at once under a rough world, with power cuts and kills in between: what was
// acknowledged is there, once and in order, and what readers saw below the synced end stays.

#include <map>

#include "storage/tests/rig.hpp"
#include "testing/sim/seeds.hpp"

namespace moldau::storage::tests {
namespace {

struct storm {
  explicit storm(log_rig& on) : rig(on) {}

  rt::task<void> append(int writer) {
    for (int i = 0; i < 25; ++i) {
      const std::string value = std::to_string(life) + "." + std::to_string(writer) + "." + std::to_string(i) +
                                std::string(rig.world().random() % 200, 'x');
      const auto info = rig.log->append_as_leader(one_record(value), leader_epoch(life));
      if (!info) co_return;
      if (const auto synced = co_await rig.log->await_synced(info->last_offset + 1); !synced) co_return;
      acknowledged[info->first_offset] = value;
      if (rig.world().random() % 4 == 0) {
        co_await rig.world().sleep_for(std::chrono::microseconds(rig.world().random() % 3000));
      }
    }
  }

  rt::task<void> read() {
    offset from = rig.log->log_start();
    while (from < offset(1000)) {
      const offset upper = rig.log->synced_end();
      if (from >= upper) {
        co_await rig.world().sleep_for(std::chrono::microseconds(300));
        continue;
      }
      const auto bytes = co_await rig.read_all(
          {.from = from, .max_bytes = static_cast<std::uint32_t>(rig.world().random() % 2000), .upper_bound = upper});
      EXPECT_TRUE(bytes) << bytes.error().message;
      if (!bytes || bytes->empty()) co_return;
      wire::batch_iterator batches(as_bytes(*bytes));
      while (const auto batch = *batches.next()) {
        EXPECT_TRUE(batch->is_crc_ok());
        EXPECT_EQ(batch->base_offset(), from);
        from = batch->next_offset();
        EXPECT_LE(from, upper);
      }
      seen_to = std::max(seen_to, from);
    }
  }

  rt::task<void> maintain() {
    while (true) {
      co_await rig.world().sleep_for(std::chrono::microseconds(rig.world().random() % 20'000));
      if (rig.world().random() % 3 == 0) rig.log->roll();
      EXPECT_TRUE(co_await rig.log->flush());
    }
  }

  log_rig& rig;
  int life = 0;
  std::map<offset, std::string> acknowledged;
  offset seen_to{0};
};

TEST(LogStorm, LosesNothingThatItAcknowledged) {
  const auto failed = [] { return ::testing::Test::HasFailure(); };
  sim::for_each_seed({.count = 60, .failed = failed}, [](sim::simulator& of) {
    sim::options settings = sim::rough(of.seed());
    settings.disk.slow = 0;
    log_rig rig(of.seed(), settings);
    rig.options.options.segment_bytes = 400 + of.random().next() % 3000;
    rig.options.options.index_interval_bytes = 100;
    rig.options.options.retention_ms = -1;
    rig.storage.tail_cache_bytes = of.random().next() % 2 == 0 ? 300 : 1U << 20U;
    rig.storage.write_while_syncing = of.random().next() % 2 == 0;
    rig.storage.sync_jobs = 1 + static_cast<unsigned>(of.random().next() % 3);
    storm weather(rig);
    for (; weather.life < 4; ++weather.life) {
      ASSERT_TRUE(rig.open());
      ASSERT_GE(rig.log->log_end(), weather.seen_to);
      const auto all = rig.all_values();
      ASSERT_EQ(all.size(), static_cast<std::size_t>(rig.log->log_end().value()));
      for (const auto& [at, value] : weather.acknowledged) {
        ASSERT_LT(at, rig.log->log_end());
        ASSERT_EQ(all[static_cast<std::size_t>(at.value())], value) << at.value();
      }
      rig.world().post([&] {
        for (int writer = 0; writer < 4; ++writer) rt::spawn(weather.append(writer));
        rt::spawn(weather.read());
        rt::spawn(weather.maintain());
      });
      rig.simulator.run_for(std::chrono::microseconds(of.random().next() % 120'000));
      if (weather.life % 2 == 0) {
        rig.crash({});
      } else {
        rig.kill();
      }
    }
  });
}

}  // namespace
}  // namespace moldau::storage::tests
