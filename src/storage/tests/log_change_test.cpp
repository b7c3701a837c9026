// What changes a log's files: truncation, deletion, retention, epochs.

#include <algorithm>

#include "storage/file_names.hpp"
#include "storage/tests/rig.hpp"

namespace moldau::storage::tests {
namespace {

std::vector<std::string> numbered(int from, int to) {
  std::vector<std::string> out;
  for (int i = from; i < to; ++i) out.push_back("value-" + std::to_string(i));
  return out;
}

/// A log of a hundred records in several segments, epoch 0 up to 50, then epoch 4.
class changed_log : public ::testing::Test {
 protected:
  changed_log() {
    rig.options.options.segment_bytes = 1000;
    rig.options.options.index_interval_bytes = 150;
    rig.options.options.retention_ms = -1;
    EXPECT_TRUE(rig.open());
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(rig.append(one_record("value-" + std::to_string(i), now_ms + i), leader_epoch(i < 50 ? 0 : 4)));
    }
    rig.run([](log_rig& r) -> rt::task<void> { EXPECT_TRUE(co_await r.log->await_synced(offset(100))); }(rig));
    rig.log->set_high_watermark(offset(100));
  }
  static constexpr std::int64_t now_ms = 1'700'000'000'000;
  log_rig rig;
};

TEST_F(changed_log, TruncatesToAnOffsetAndGoesOnThere) {
  for (const int end : {99, 77, 50, 13, 0}) {
    ASSERT_TRUE(rig.run(rig.log->truncate_to(offset(end)))) << end;
    EXPECT_EQ(rig.log->log_end(), offset(end));
    EXPECT_EQ(rig.all_values(), numbered(0, end));
    EXPECT_EQ(rig.log->epochs().entries().size(), end > 50 ? 2U : end > 0 ? 1U : 0U);
    ASSERT_TRUE(rig.append_synced(one_record("new"), leader_epoch(5)));
    EXPECT_EQ(rig.values(offset(end), offset(end + 1)), std::vector<std::string>{"new"});
    ASSERT_TRUE(rig.run(rig.log->truncate_to(offset(end))));
  }
}

TEST_F(changed_log, StaysTruncatedThroughAPowerCut) {
  ASSERT_TRUE(rig.run(rig.log->truncate_to(offset(42))));
  ASSERT_TRUE(rig.append_synced(one_record("new"), leader_epoch(5)));
  rig.crash(sim::power_cut::lose_all());
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_end(), offset(43));
  EXPECT_EQ(rig.log->latest_epoch(), leader_epoch(5));
  auto expected = numbered(0, 42);
  expected.emplace_back("new");
  EXPECT_EQ(rig.all_values(), expected);
}

TEST_F(changed_log, StartsAnewAtAnOffset) {
  ASSERT_TRUE(rig.run(rig.log->truncate_fully_and_start_at(offset(5000))));
  EXPECT_EQ(rig.log->log_start(), offset(5000));
  EXPECT_EQ(rig.log->log_end(), offset(5000));
  ASSERT_TRUE(rig.append_synced(one_record("new"), leader_epoch(7)));
  EXPECT_EQ(rig.all_values(), std::vector<std::string>{"new"});
  rig.options.log_start = offset(5000);
  rig.crash(sim::power_cut::lose_all());
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_start(), offset(5000));
  EXPECT_EQ(rig.all_values(), std::vector<std::string>{"new"});
}

TEST_F(changed_log, DeletesRecordsBelowAnOffset) {
  const std::size_t before = rig.log->segment_count();
  ASSERT_TRUE(rig.run(rig.log->delete_records(offset(60))));
  EXPECT_EQ(rig.log->log_start(), offset(60));
  EXPECT_LT(rig.log->segment_count(), before);
  EXPECT_EQ(rig.read_bytes({.from = offset(59), .upper_bound = offset(100)}).error().code, errc::offset_out_of_range);
  EXPECT_EQ(rig.all_values(), numbered(60, 100));
  EXPECT_EQ(rig.log->epochs().entries(),
            (std::vector<epoch_entry>{{.epoch = leader_epoch(4), .start_offset = offset(60)}}));
}

TEST_F(changed_log, DeletesNoRecordsAboveTheHighWatermark) {
  EXPECT_EQ(rig.run(rig.log->delete_records(offset(101))).error().code, errc::offset_out_of_range);
}

TEST_F(changed_log, KeepsDeletedFilesForTheDelayOnly) {
  ASSERT_TRUE(rig.run(rig.log->delete_records(offset(60))));
  const auto deleted = [&] {
    return std::ranges::count_if(rig.host.disk().files(), [](const std::string& f) { return f.ends_with(".deleted"); });
  };
  EXPECT_GT(deleted(), 0);
  rig.simulator.run_for(std::chrono::milliseconds(rig.options.options.file_delete_delay_ms + 1000));
  EXPECT_EQ(deleted(), 0);
}

TEST_F(changed_log, KeepsRoughlyRetentionBytes) {
  log_options options = rig.options.options;
  options.retention_bytes = 3000;
  rig.log->set_options(options);
  EXPECT_GT(*rig.run(rig.log->apply_retention()), 0U);
  EXPECT_GE(rig.log->size_bytes(), 3000U);
  EXPECT_LT(rig.log->size_bytes(), 4100U);
  EXPECT_EQ(rig.log->log_start(), rig.log->first_segment_base());
}

TEST_F(changed_log, DeletesOldSegmentsByTheirRecordsTime) {
  log_options options = rig.options.options;
  options.retention_ms = 60'000;
  rig.log->set_options(options);
  EXPECT_EQ(*rig.run(rig.log->apply_retention()), 0U);
  rig.host.step_clock(120'000);
  EXPECT_GT(*rig.run(rig.log->apply_retention()), 0U);
  // Everything was too old, the active segment too: a new one was begun at the end.
  EXPECT_EQ(rig.log->log_start(), offset(100));
  EXPECT_EQ(rig.log->log_end(), offset(100));
  ASSERT_TRUE(rig.append_synced(one_record("new")));
  EXPECT_EQ(rig.all_values(), std::vector<std::string>{"new"});
}

TEST(LogRetention, KeepsTheEndThroughAKillThatFollows) {
  sim::options slow = sim::calm();
  slow.disk.sync_latency = {std::chrono::milliseconds(200), std::chrono::milliseconds(300)};
  log_rig rig(1, slow);
  rig.storage.sync_jobs = 1;
  rig.options.options.retention_ms = 60'000;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_synced(one_record("old", rig.host.wall_ms())));
  rig.log->set_high_watermark(offset(1));
  rig.host.step_clock(120'000);
  std::vector<std::unique_ptr<log>> others;
  for (int i = 0; i < 10; ++i) {
    auto elsewhere = rig.options;
    elsewhere.directory = "/data/invoices-" + std::to_string(i);
    others.push_back(*rig.run(log::open(rig.context(), elsewhere)));
  }
  // A round of the other logs is on its way, so the new segment's file isn't made at once.
  rig.run([](log_rig& r, std::vector<std::unique_ptr<log>>& busy) -> rt::task<void> {
    for (const auto& one : busy) EXPECT_TRUE(one->append_as_leader(one_record("busy"), leader_epoch(0)));
    co_await r.world().sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(*co_await r.log->apply_retention(), 1U);
  }(rig, others));
  rig.remember();
  rig.host.kill();
  others.clear();
  rig.again();
  ASSERT_TRUE(rig.open());
  EXPECT_GE(rig.log->log_end(), offset(1));
}

TEST_F(changed_log, DeletesNothingAboveTheHighWatermark) {
  log_rig other;
  other.options.options.segment_bytes = 1000;
  other.options.options.retention_bytes = 0;
  ASSERT_TRUE(other.open());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(other.append_synced(one_record("v")));
  EXPECT_EQ(*other.run(other.log->apply_retention()), 0U);
}

TEST_F(changed_log, TellsWhereAnEpochEnds) {
  EXPECT_EQ(rig.log->end_offset_for_epoch(leader_epoch(0)),
            (epoch_end{.epoch = leader_epoch(0), .end_offset = offset(50)}));
  EXPECT_EQ(rig.log->end_offset_for_epoch(leader_epoch(3)),
            (epoch_end{.epoch = leader_epoch(0), .end_offset = offset(50)}));
  EXPECT_EQ(rig.log->end_offset_for_epoch(leader_epoch(4)),
            (epoch_end{.epoch = leader_epoch(4), .end_offset = offset(100)}));
  EXPECT_EQ(rig.log->end_offset_for_epoch(leader_epoch(5)), epoch_end{});
}

TEST_F(changed_log, RemembersAnEpochInWhichNothingWasWritten) {
  rig.run([](log_rig& r) -> rt::task<void> {
    r.log->begin_epoch(leader_epoch(6));
    co_return;
  }(rig));
  rig.simulator.run_for(std::chrono::seconds(1));
  EXPECT_EQ(rig.host.disk().durable_content_of("/data/orders-0/leader-epoch-checkpoint"), "0\n3\n0 0\n4 50\n6 100\n");
}

TEST_F(changed_log, FindsTimesInEverySegment) {
  for (const int at : {0, 1, 33, 98, 99}) {
    const auto found = rig.run(rig.log->offset_for_timestamp(now_ms + at));
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->offset, offset(at));
  }
  EXPECT_EQ(rig.run(rig.log->offset_for_timestamp(now_ms + 100)), std::nullopt);
  EXPECT_EQ((*rig.run(rig.log->offset_of_max_timestamp()))->offset, offset(99));
}

TEST_F(changed_log, ReadsRightThroughADamagedIndex) {
  ASSERT_TRUE(rig.close());
  for (const std::string& path : rig.host.disk().files()) {
    if (!path.ends_with(".index")) continue;
    for (std::uint64_t at = 4; rig.host.disk().corrupt(path, at + 3, std::byte{0x15}); at += 8) {
    }
  }
  rig.storage.tail_cache_bytes = 1;
  rig.options.clean_shutdown = true;
  ASSERT_TRUE(rig.open());
  for (const int from : {0, 17, 55, 80}) EXPECT_EQ(rig.values(offset(from), offset(90)), numbered(from, 90));
}

TEST_F(changed_log, TakesAFollowersBatchesWithTheirOffsets) {
  log_rig follower;
  ASSERT_TRUE(follower.open());
  const auto bytes = rig.read_bytes({.from = offset(0), .max_bytes = 3000, .upper_bound = offset(100)});
  ASSERT_TRUE(follower.append_as_follower(shared_bytes::copy_of(as_bytes(*bytes))));
  EXPECT_GT(follower.log->log_end(), offset(20));
  EXPECT_EQ(follower.all_values(), numbered(0, static_cast<int>(follower.log->log_end().value())));
  EXPECT_EQ(follower.append_as_follower(shared_bytes::copy_of(as_bytes(*bytes))).error().code,
            errc::offset_out_of_range);
}

TEST_F(changed_log, RefusesAFollowersBatchThatIsDamaged) {
  log_rig follower;
  ASSERT_TRUE(follower.open());
  auto bytes = *rig.read_bytes({.from = offset(0), .max_bytes = 3000, .upper_bound = offset(100)});
  bytes[200] = static_cast<char>(bytes[200] ^ 1);
  EXPECT_EQ(follower.append_as_follower(shared_bytes::copy_of(as_bytes(bytes))).error().code, errc::corrupt_message);
  EXPECT_EQ(follower.log->log_end(), offset(0));
}

/// Runs `what` on a log of a hundred records with a power cut at every change it makes, and `check`s what is left.
template <typename What, typename Check>
void at_every_change(What what, Check check) {
  for (std::uint64_t change = 1; change < 200; ++change) {
    log_rig rig(change);
    rig.options.options.segment_bytes = 1000;
    rig.options.options.index_interval_bytes = 150;
    rig.options.options.retention_ms = -1;
    ASSERT_TRUE(rig.open());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(rig.append_synced(one_record("value-" + std::to_string(i))));
    rig.log->set_high_watermark(offset(100));
    rig.remember();
    rig.host.disk().crash_at_change(change);
    bool crashed = false;
    try {
      ASSERT_TRUE(rig.run(what(rig)));
    } catch (const sim::task_not_ended&) {
      crashed = true;
    }
    rig.host.disk().disarm();
    if (!crashed) {
      EXPECT_GT(change, 3U);
      return;
    }
    rig.again();
    ASSERT_TRUE(rig.open()) << change;
    check(rig, change);
  }
  FAIL() << "it never came to its end";
}

TEST(LogCrash, LeavesAPrefixWhereverTheTruncationWasCutShort) {
  at_every_change([](log_rig& rig) { return rig.log->truncate_to(offset(37)); },
                  [](log_rig& rig, std::uint64_t change) {
                    ASSERT_GE(rig.log->log_end(), offset(37)) << change;
                    EXPECT_EQ(rig.all_values(), numbered(0, static_cast<int>(rig.log->log_end().value()))) << change;
                    ASSERT_TRUE(rig.run(rig.log->truncate_to(offset(37)))) << change;
                    EXPECT_EQ(rig.all_values(), numbered(0, 37)) << change;
                  });
}

TEST(LogCrash, LosesNothingThatWasNotToBeDeleted) {
  at_every_change([](log_rig& rig) { return rig.log->delete_records(offset(90)); },
                  [](log_rig& rig, std::uint64_t change) {
                    EXPECT_EQ(rig.log->log_end(), offset(100)) << change;
                    ASSERT_LE(rig.log->log_start(), offset(90)) << change;
                    // Whatever came back, there is no gap.
                    EXPECT_EQ(rig.all_values(), numbered(static_cast<int>(rig.log->log_start().value()), 100))
                        << change;
                  });
}

TEST(LogCrash, LeavesAPrefixWhereverTheRecoveryWasCutShort) {
  for (std::uint64_t change = 1; change < 200; ++change) {
    log_rig rig(change);
    rig.options.options.segment_bytes = 1000;
    rig.options.options.retention_ms = -1;
    ASSERT_TRUE(rig.open());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(rig.append_synced(one_record("value-" + std::to_string(i))));
    rig.kill();
    rig.options.recovery_point = offset(0);
    // A byte of the second of many segments, none of which anybody was told is good.
    std::vector<std::string> logs = rig.host.disk().files();
    std::erase_if(logs, [](const std::string& path) { return !path.ends_with(names::log); });
    ASSERT_GT(logs.size(), 5U);
    std::ranges::sort(logs);
    ASSERT_TRUE(rig.host.disk().corrupt(logs[1], 500));
    rig.host.disk().crash_at_change(change);
    bool crashed = false;
    try {
      ASSERT_TRUE(rig.open());
    } catch (const sim::task_not_ended&) {
      crashed = true;
    }
    rig.host.disk().disarm();
    if (crashed) {
      rig.again();
      ASSERT_TRUE(rig.open()) << change;
    }
    const int end = static_cast<int>(rig.log->log_end().value());
    EXPECT_GT(end, 10) << change;
    EXPECT_LT(end, 30) << change;
    EXPECT_EQ(rig.all_values(), numbered(0, end)) << change;
    if (!crashed) {
      EXPECT_GT(change, 10U);
      return;
    }
  }
  FAIL() << "it never came to its end";
}

TEST(LogCrash, LosesNothingInACleanStopThatWasCutShort) {
  at_every_change([](log_rig& rig) { return rig.log->close(); },
                  [](log_rig& rig, std::uint64_t change) { EXPECT_EQ(rig.all_values(), numbered(0, 100)) << change; });
}

TEST(LogCrash, StartsAnewOrNotAtAll) {
  at_every_change([](log_rig& rig) { return rig.log->truncate_fully_and_start_at(offset(500)); },
                  [](log_rig& rig, std::uint64_t change) {
                    if (rig.log->log_end() < offset(500)) {
                      EXPECT_EQ(rig.all_values(), numbered(0, static_cast<int>(rig.log->log_end().value()))) << change;
                    }
                    ASSERT_TRUE(rig.run(rig.log->truncate_fully_and_start_at(offset(500)))) << change;
                    ASSERT_TRUE(rig.append_synced(one_record("new"))) << change;
                    EXPECT_EQ(rig.all_values(), std::vector<std::string>{"new"}) << change;
                  });
}

}  // namespace
}  // namespace moldau::storage::tests
