#include "storage/log_manager.hpp"

#include "storage/checkpoint_file.hpp"
#include "storage/tests/rig.hpp"

namespace moldau::storage::tests {
namespace {

using namespace std::chrono_literals;

topic_id id_of(int n) {
  std::array<std::byte, 16> bytes{};
  bytes[3] = std::byte{7};
  bytes[15] = static_cast<std::byte>(n);
  return topic_id(bytes);
}

class managed_logs : public ::testing::Test {
 protected:
  managed_logs() : host(simulator.add_host("broker", 3)) {}
  ~managed_logs() override { host.kill(); }

  void make() {
    manager_options chosen = options;
    chosen.on_directory_failed = [this](const std::string& path, const error&) { failed.push_back(path); };
    manager = std::make_unique<log_manager>(host.core(0), std::move(chosen));
  }
  result<void> load() {
    make();
    return simulator.run(host, manager->load());
  }
  unsigned create(int topic, int partition) {
    const auto core = simulator.run(host, manager->create(name(topic), partition_id(partition), id_of(topic)));
    EXPECT_TRUE(core) << core.error().message;
    return core.value_or(0);
  }
  static std::string name(int topic) { return "topic-" + std::to_string(topic); }
  static topic_id_partition key(int topic, int partition) {
    return {.topic = id_of(topic), .partition = partition_id(partition)};
  }
  log* find(int topic, int partition) {
    return manager->find(core_of(id_of(topic), partition_id(partition), 3), key(topic, partition));
  }
  /// Appends on the log's own core and waits until it is on the disk.
  bool append(int topic, int partition, const std::string& value) {
    const unsigned core = core_of(id_of(topic), partition_id(partition), 3);
    log* const to = find(topic, partition);
    const auto done = simulator.run(
        host,
        [](log& at, std::string v) -> rt::task<result<void>> {
          MOLDAU_CO_TRY_ASSIGN(const auto info, at.append_as_leader(one_record(v), leader_epoch(0)));
          at.set_high_watermark(at.log_end());
          co_return co_await at.await_synced(info.last_offset + 1);
        }(*to, value),
        core);
    return done.has_value();
  }
  void again(bool power_cut) {
    if (power_cut) {
      host.crash(sim::power_cut::lose_all());
    } else {
      host.kill();
    }
    manager.reset();
    host.restart();
  }

  sim::simulator simulator{1};
  sim::host& host;
  manager_options options{.directories = {"/disk-a/logs", "/disk-b/logs"}};
  std::vector<std::string> failed;
  std::unique_ptr<log_manager> manager;
};

TEST_F(managed_logs, SpreadsLogsOverDirectoriesAndCores) {
  ASSERT_TRUE(load());
  std::array<int, 3> cores{};
  for (int p = 0; p < 6; ++p) ++cores[create(1, p)];
  EXPECT_EQ(cores, (std::array{2, 2, 2}));
  std::array<int, 2> directories{};
  for (const auto& one : manager->logs()) ++directories[one.second.directory];
  EXPECT_EQ(directories, (std::array{3, 3}));
  ASSERT_TRUE(simulator.run(host, manager->stop(1)));
}

TEST_F(managed_logs, FindsEverythingAgainAfterACleanStop) {
  ASSERT_TRUE(load());
  for (int p = 0; p < 6; ++p) create(1, p);
  for (int p = 0; p < 6; ++p) ASSERT_TRUE(append(1, p, "value"));
  ASSERT_TRUE(simulator.run(host, manager->stop(33)));
  EXPECT_EQ(host.disk().durable_content_of("/disk-a/logs/.kafka_cleanshutdown"), R"({"version":0,"brokerEpoch":33})");
  again(true);
  ASSERT_TRUE(load());
  EXPECT_EQ(simulator.run(host, manager->directories()).front().broker_epoch, 33);
  EXPECT_FALSE(host.disk().durable_content_of("/disk-a/logs/.kafka_cleanshutdown"));
  for (int p = 0; p < 6; ++p) {
    ASSERT_NE(find(1, p), nullptr);
    EXPECT_EQ(find(1, p)->log_end(), offset(1));
    EXPECT_EQ(find(1, p)->high_watermark(), offset(1));
  }
  ASSERT_TRUE(simulator.run(host, manager->stop(1)));
}

TEST_F(managed_logs, KeepsEverySyncedRecordThroughPowerCuts) {
  ASSERT_TRUE(load());
  for (int p = 0; p < 6; ++p) create(1, p);
  for (int round = 0; round < 5; ++round) {
    for (int p = 0; p < 6; ++p) ASSERT_TRUE(append(1, p, "value"));
    if (round == 2) {
      ASSERT_TRUE(simulator.run(host, manager->checkpoint(true)));
    }
    again(true);
    ASSERT_TRUE(load());
    for (int p = 0; p < 6; ++p) EXPECT_EQ(find(1, p)->log_end(), offset(round + 1));
  }
}

TEST_F(managed_logs, MovesRecoveryPointsAtTheCheckpointInterval) {
  ASSERT_TRUE(load());
  create(1, 0);
  ASSERT_TRUE(append(1, 0, "value"));
  host.core(0).post([this] { manager->start(); });
  simulator.run_for(90s);
  const auto written = host.disk().durable_content_of("/disk-a/logs/recovery-point-offset-checkpoint");
  EXPECT_EQ(written, "0\n1\ntopic-1 0 1\n");
  ASSERT_TRUE(simulator.run(host, manager->stop(1)));
}

TEST_F(managed_logs, RemovesALogsFolderAfterTheDelay) {
  ASSERT_TRUE(load());
  create(1, 0);
  ASSERT_TRUE(append(1, 0, "value"));
  ASSERT_TRUE(simulator.run(host, manager->remove(key(1, 0))));
  EXPECT_EQ(find(1, 0), nullptr);
  const auto left = [&] {
    return std::ranges::count_if(host.disk().files(), [](const auto& f) { return f.find("topic-1") != f.npos; });
  };
  EXPECT_GT(left(), 0);
  EXPECT_FALSE(host.disk().content_of("/disk-a/logs/topic-1-0/partition.metadata"));
  simulator.run_for(70s);
  EXPECT_EQ(left(), 0);
  create(1, 0);
  EXPECT_EQ(find(1, 0)->log_end(), offset(0));
  ASSERT_TRUE(simulator.run(host, manager->stop(1)));
}

TEST_F(managed_logs, PutsStrayLogsAside) {
  ASSERT_TRUE(load());
  create(1, 0);
  create(2, 0);
  ASSERT_TRUE(simulator.run(host, manager->stop(1)));
  again(false);
  options.is_stray = [](const std::string& topic, partition_id, const topic_id&) { return topic == "topic-2"; };
  ASSERT_TRUE(load());
  EXPECT_NE(find(1, 0), nullptr);
  EXPECT_EQ(find(2, 0), nullptr);
  EXPECT_TRUE(std::ranges::any_of(host.disk().files(),
                                  [](const auto& f) { return f.find("-stray/partition.metadata") != f.npos; }));
  ASSERT_TRUE(simulator.run(host, manager->stop(1)));
}

TEST_F(managed_logs, RefusesADirectoryThatIsInUse) {
  ASSERT_TRUE(load());
  log_manager other(host.core(0), options);
  const auto second = simulator.run(host, other.load());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::locked);
  ASSERT_TRUE(simulator.run(host, manager->stop(1)));
}

TEST_F(managed_logs, FailsADirectoryOnEveryCoreAtOnce) {
  ASSERT_TRUE(load());
  for (int p = 0; p < 6; ++p) create(1, p);
  host.disk().fail_nth(sim::disk_op::sync, 1);
  EXPECT_FALSE(append(1, 0, "value"));
  simulator.run_for(1s);
  ASSERT_EQ(failed.size(), 1U);
  for (int p = 1; p < 6; ++p)
    EXPECT_EQ(append(1, p, "value"),
              manager->logs().at(key(1, p)).directory != manager->logs().at(key(1, 0)).directory);
  simulator.run(host, manager->abandon());
}

/// Two keys, written over and over, in a log of many segments.
class compacted_logs : public managed_logs {
 protected:
  void SetUp() override {
    options.defaults.cleanup_compact = true;
    options.defaults.segment_bytes = 500;
    options.storage.cleaner_backoff_ms = 15'000;
    ASSERT_TRUE(load());
    create(1, 0);
    for (int i = 0; i < 60; ++i) {
      const unsigned core = core_of(id_of(1), partition_id(0), 3);
      simulator.run(
          host,
          [](log& at, int n) -> rt::task<void> {
            EXPECT_TRUE(at.append_as_leader(
                make_batch({.values = {std::to_string(n)}, .keys = {"key-" + std::to_string(n % 2)}}),
                leader_epoch(0)));
            at.set_high_watermark(at.log_end());
            EXPECT_TRUE(co_await at.await_synced(at.log_end()));
          }(*find(1, 0), i),
          core);
    }
    simulator.run_for(1s);
    before = find(1, 0)->size_bytes();
  }
  std::uint64_t before = 0;
};

TEST_F(compacted_logs, AreCompactedWhenItIsDue) {
  host.core(0).post([this] { manager->start(); });
  simulator.run_for(40s);
  EXPECT_LT(find(1, 0)->size_bytes(), before / 2);
  EXPECT_TRUE(
      host.disk().durable_content_of("/disk-a/logs/cleaner-offset-checkpoint")->starts_with("0\n1\ntopic-1 0 "));
  ASSERT_TRUE(simulator.run(host, manager->stop(1)));
}

TEST_F(compacted_logs, AreGivenUpWithTheirDirectoryWhenItsDiskFails) {
  host.disk().fail_nth(sim::disk_op::sync, 1);
  host.core(0).post([this] { manager->start(); });
  simulator.run_for(20s);
  EXPECT_EQ(failed, std::vector<std::string>{"/disk-a/logs"});
  simulator.run(host, manager->abandon());
}

TEST_F(compacted_logs, GoOnWhereThereIsNoRoomToCompactThem) {
  host.disk().fail_nth(sim::disk_op::write, 1, errc::disk_full);
  host.core(0).post([this] { manager->start(); });
  simulator.run_for(20s);
  ASSERT_EQ(host.disk().failures_to_come(), 0U);
  EXPECT_TRUE(failed.empty());
  EXPECT_EQ(find(1, 0)->log_end(), offset(60));
  EXPECT_TRUE(append(1, 0, "more"));
  ASSERT_TRUE(simulator.run(host, manager->stop(1)));
}

TEST(CheckpointFile, ReadsAndWritesKafkasForm) {
  const std::string text = "0\n2\na-topic 0 17\nother 12 9000000000\n";
  const auto parsed = parse_offset_checkpoint(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->at({.topic = "other", .partition = partition_id(12)}), offset(9'000'000'000));
  EXPECT_EQ(encode_offset_checkpoint(*parsed), text);
}

TEST(CheckpointFile, RefusesWhatIsDamaged) {
  for (const char* bad : {"1\n0\n", "0\n2\na 0 1\n", "0\nx\n", "0\n1\na 0\n", "0\n1\na 0 b\n", "0\n-1\n",
                          "0\n1\na -1 0\n", "0\n1\na 4294967296 0\n"}) {
    EXPECT_FALSE(parse_offset_checkpoint(bad)) << bad;
  }
}

}  // namespace
}  // namespace moldau::storage::tests
