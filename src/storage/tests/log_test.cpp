#include "storage/log.hpp"

#include "storage/tests/rig.hpp"

namespace moldau::storage::tests {
namespace {

using ::testing::Test;

std::vector<std::string> numbered(int from, int to) {
  std::vector<std::string> out;
  for (int i = from; i < to; ++i) out.push_back("value-" + std::to_string(i));
  return out;
}

TEST(PartitionLog, StartsEmptyWithKafkasFiles) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_end(), offset(0));
  EXPECT_EQ(rig.host.disk().durable_content_of("/data/orders-0/partition.metadata"),
            "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAg");
  EXPECT_TRUE(rig.host.disk().durable_content_of("/data/orders-0/00000000000000000000.log"));
  EXPECT_TRUE(rig.host.disk().durable_content_of("/data/orders-0/00000000000000000000.index"));
  EXPECT_TRUE(rig.host.disk().durable_content_of("/data/orders-0/00000000000000000000.timeindex"));
}

TEST(PartitionLog, AnswersASyncedAppendOnlyWhenItIsOnTheDisk) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  const auto info = rig.append_synced(make_batch({.values = {"a", "b"}}), leader_epoch(3));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->first_offset, offset(0));
  EXPECT_EQ(info->last_offset, offset(1));
  const auto durable = rig.host.disk().durable_content_of("/data/orders-0/00000000000000000000.log");
  ASSERT_TRUE(durable);
  const auto batch = wire::first_batch(as_bytes(*durable));
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->leader_epoch(), leader_epoch(3));
  EXPECT_TRUE(batch->is_crc_ok());
}

TEST(PartitionLog, GathersWhatIsAppendedTogetherIntoOneRound) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  rig.run([](log_rig& r) -> rt::task<void> {
    for (const std::string& v : numbered(0, 100)) {
      EXPECT_TRUE(r.log->append_as_leader(one_record(v), leader_epoch(0)));
    }
    EXPECT_TRUE(co_await r.log->await_synced(offset(100)));
  }(rig));
  EXPECT_EQ(rig.sync->stats().sync_rounds, 1U);
  EXPECT_EQ(rig.all_values(), numbered(0, 100));
}

TEST(PartitionLog, ReadsFromTheFileWhatTheCacheHasForgotten) {
  log_rig rig;
  rig.storage.tail_cache_bytes = 200;
  ASSERT_TRUE(rig.open());
  for (const std::string& v : numbered(0, 300)) ASSERT_TRUE(rig.append(one_record(v)));
  EXPECT_EQ(rig.all_values(500), numbered(0, 300));
  EXPECT_EQ(rig.values(offset(123), offset(130), 10), numbered(123, 130));
}

TEST(PartitionLog, GivesNothingAtOrAboveTheUpperBound) {
  for (const std::uint64_t cache : {std::uint64_t{1}, std::uint64_t{1} << 20U}) {
    log_rig rig;
    rig.storage.tail_cache_bytes = cache;
    ASSERT_TRUE(rig.open());
    for (const std::string& v : numbered(0, 300)) ASSERT_TRUE(rig.append(one_record(v)));
    for (const int upper : {1, 7, 150, 299}) EXPECT_EQ(rig.values(offset(0), offset(upper)), numbered(0, upper));
    EXPECT_EQ(rig.read_bytes({.from = offset(5), .upper_bound = offset(5)}), "");
  }
}

TEST(PartitionLog, RefusesToReadOutsideOfItsOffsets) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(one_record("a")));
  EXPECT_EQ(rig.read_bytes({.from = offset(2), .upper_bound = offset(2)}).error().code, errc::offset_out_of_range);
  EXPECT_EQ(rig.read_bytes({.from = offset(1), .upper_bound = offset(1)}), "");
}

TEST(PartitionLog, RollsBySizeAndReadsAcrossSegments) {
  log_rig rig;
  rig.options.options.segment_bytes = 1000;
  rig.storage.tail_cache_bytes = 1;
  ASSERT_TRUE(rig.open());
  for (const std::string& v : numbered(0, 100)) ASSERT_TRUE(rig.append_synced(one_record(v)));
  EXPECT_GT(rig.log->segment_count(), 5U);
  EXPECT_EQ(rig.all_values(), numbered(0, 100));
  EXPECT_GT(rig.log->recovery_point(), offset(50));
}

TEST(PartitionLog, ComesBackAfterACleanStop) {
  log_rig rig;
  rig.options.options.segment_bytes = 2000;
  ASSERT_TRUE(rig.open());
  for (const std::string& v : numbered(0, 100)) ASSERT_TRUE(rig.append(one_record(v), leader_epoch(2)));
  ASSERT_TRUE(rig.close());
  rig.options.clean_shutdown = true;
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_end(), offset(100));
  EXPECT_EQ(rig.log->recovery_point(), offset(100));
  EXPECT_EQ(rig.log->latest_epoch(), leader_epoch(2));
  EXPECT_EQ(rig.all_values(), numbered(0, 100));
  ASSERT_TRUE(rig.append(one_record("value-100"), leader_epoch(2)));
  EXPECT_EQ(rig.all_values(), numbered(0, 101));
}

TEST(PartitionLog, KeepsEverySyncedRecordThroughAPowerCut) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    log_rig rig(seed);
    rig.options.options.segment_bytes = 1500;
    ASSERT_TRUE(rig.open());
    for (const std::string& v : numbered(0, 40)) ASSERT_TRUE(rig.append_synced(one_record(v)));
    for (const std::string& v : numbered(40, 60)) ASSERT_TRUE(rig.append(one_record(v)));
    rig.simulator.run_for(std::chrono::microseconds(seed * 20));
    rig.crash(seed % 2 == 0 ? sim::power_cut{} : sim::power_cut::tear_all());
    ASSERT_TRUE(rig.open()) << seed;
    ASSERT_GE(rig.log->log_end(), offset(40)) << seed;
    EXPECT_EQ(rig.all_values(), numbered(0, static_cast<int>(rig.log->log_end().value()))) << seed;
  }
}

TEST(PartitionLog, CutsATornTailAndGoesOnThere) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  for (const std::string& v : numbered(0, 10)) ASSERT_TRUE(rig.append_synced(one_record(v)));
  const std::string path = "/data/orders-0/00000000000000000000.log";
  rig.remember();
  rig.host.kill();
  const std::string whole = *rig.host.disk().content_of(path);
  rig.host.disk().put(path, as_bytes(whole + whole.substr(0, 40)));
  rig.again();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_end(), offset(10));
  EXPECT_EQ(rig.host.disk().content_of(path)->size(), whole.size());
  ASSERT_TRUE(rig.append_synced(one_record("value-10")));
  EXPECT_EQ(rig.all_values(), numbered(0, 11));
}

TEST(PartitionLog, ChecksOnlyFromTheRecoveryPoint) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  for (const std::string& v : numbered(0, 10)) ASSERT_TRUE(rig.append_synced(one_record(v)));
  ASSERT_TRUE(rig.run(rig.log->flush()));
  ASSERT_TRUE(rig.append_synced(one_record("value-10")));
  rig.remember();
  rig.host.kill();
  // Damage below the recovery point isn't looked at; damage above it is.
  rig.host.disk().corrupt("/data/orders-0/00000000000000000000.log", 70);
  rig.again();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_end(), offset(11));
}

TEST(PartitionLog, AnswersNothingAfterAFailedSync) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_synced(one_record("a")));
  rig.host.disk().fail_nth(sim::disk_op::sync, 1);
  const auto info = rig.append_synced(one_record("b"));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, errc::kafka_storage_error);
  EXPECT_TRUE(rig.failure);
  EXPECT_EQ(rig.append(one_record("c")).error().code, errc::kafka_storage_error);
  rig.run(rig.log->abandon());
}

TEST(PartitionLog, KeepsThroughAPowerCutWhatItRecoveredAfterAFailedSync) {
  // Chance says what of a failed sync is gone for good, though the page cache goes on showing it.
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    log_rig rig(seed);
    ASSERT_TRUE(rig.open());
    ASSERT_TRUE(rig.append_synced(one_record("a")));
    rig.host.disk().fail_nth(sim::disk_op::sync, 1);
    ASSERT_FALSE(rig.append_synced(one_record(std::string(4000, 'b'))));
    rig.run(rig.log->abandon());
    rig.kill();
    rig.options.rewrite = true;
    ASSERT_TRUE(rig.open());
    const auto recovered = rig.all_values();
    rig.crash(sim::power_cut::lose_all());
    ASSERT_TRUE(rig.open());
    EXPECT_EQ(rig.all_values(), recovered) << "seed " << seed;
    rig.run(rig.log->abandon());
  }
}

TEST(PartitionLog, AnswersNothingOnAFullDisk) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_synced(one_record("a")));
  rig.host.disk().fail_nth(sim::disk_op::write, 1, errc::disk_full);
  EXPECT_EQ(rig.append_synced(one_record("b")).error().code, errc::kafka_storage_error);
  rig.run(rig.log->abandon());
}

}  // namespace
}  // namespace moldau::storage::tests
