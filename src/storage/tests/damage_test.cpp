// What is done about files that aren't as they were left.

#include <algorithm>

#include "storage/file_names.hpp"
#include "storage/tests/rig.hpp"

namespace moldau::storage::tests {
namespace {

/// A log of several segments, one record a second, closed in order.
class damaged_log : public ::testing::Test {
 protected:
  static constexpr int records = 60;

  damaged_log() {
    rig.options.options.segment_bytes = 1000;
    rig.options.options.index_interval_bytes = 100;
    rig.options.options.retention_ms = -1;
    begun_ms = rig.host.wall_ms();
    EXPECT_TRUE(rig.open());
    for (int i = 0; i < records; ++i) {
      written.push_back("value-" + std::to_string(i));
      EXPECT_TRUE(rig.append_synced(one_record(written.back(), begun_ms + i * 1000)));
    }
    EXPECT_TRUE(rig.close());
    rig.options.clean_shutdown = true;
  }

  /// The files of one kind, the oldest segment's first.
  std::vector<std::string> paths(std::string_view suffix) const {
    std::vector<std::string> out = rig.host.disk().files();
    std::erase_if(out, [&](const std::string& path) { return !path.ends_with(suffix); });
    std::ranges::sort(out);
    return out;
  }
  std::size_t size_of(const std::string& path) const { return rig.host.disk().content_of(path)->size(); }
  void append_to(const std::string& path, const std::string& what) {
    rig.host.disk().put(path, as_bytes(*rig.host.disk().content_of(path) + what));
  }

  void expect_everything() {
    EXPECT_EQ(rig.all_values(), written);
    for (int i = 0; i < records; ++i) {
      EXPECT_EQ(rig.values(offset(i), offset(i + 1)), std::vector{written[static_cast<std::size_t>(i)]}) << i;
    }
    EXPECT_TRUE(rig.append_synced(one_record("more", begun_ms + records * 1000)));
    written.emplace_back("more");
    EXPECT_EQ(rig.all_values(), written);
  }
  offset found_at(int second) {
    const auto found = rig.run(rig.log->offset_for_timestamp(begun_ms + second * 1000));
    return found && *found ? (*found)->offset : no_offset;
  }

  log_rig rig;
  std::int64_t begun_ms = 0;
  std::vector<std::string> written;
};

TEST_F(damaged_log, CutsWhatFollowsTheLastBatchAfterACleanStop) {
  for (const std::string& garbage : {std::string(300, '\0'), std::string(300, 'x'), std::string(7, 'y')}) {
    append_to(paths(".log").back(), garbage);
    ASSERT_TRUE(rig.open());
    EXPECT_EQ(rig.log->log_end(), offset(static_cast<std::int64_t>(written.size())));
    EXPECT_EQ(rig.all_values(), written);
    ASSERT_TRUE(rig.close());
  }
  ASSERT_TRUE(rig.open());
  expect_everything();
}

TEST_F(damaged_log, ChecksOnlyTheLastSegmentAfterACleanStop) {
  rig.host.disk().corrupt(paths(".log").front(), 70);
  append_to(paths(".log").back(), "torn");
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_end(), offset(records));
}

TEST_F(damaged_log, OpensThoughAllThatWasDeletedIsDamagedAndLacksItsIndex) {
  const std::string first = paths(".log").front();
  const std::string second = paths(".log")[1];
  rig.host.disk().put(first, as_bytes(std::string(size_of(first), '\0')));
  ASSERT_TRUE(rig.host.core().files().remove(paths(".index").front()));
  const auto begins = offset(std::stoll(second.substr(second.rfind('/') + 1)));
  for (const bool clean : {true, false}) {
    rig.options.clean_shutdown = clean;
    rig.options.log_start = begins;
    const auto opened = rig.open();
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(rig.log->log_start(), begins);
    EXPECT_EQ(rig.values(begins, offset(records)).size(), static_cast<std::size_t>(records - begins.value()));
    EXPECT_EQ(found_at(0), begins);
    ASSERT_TRUE(rig.close());
    ASSERT_TRUE(rig.host.core().files().remove(paths(".index").front()));
  }
}

TEST_F(damaged_log, OpensWithoutAnIndexWhereTheLastBatchIsTorn) {
  for (const bool clean : {false, true}) {
    append_to(paths(".log").back(), std::string(300, 'x'));
    ASSERT_TRUE(rig.host.core().files().remove(paths(".index").back()));
    rig.options.clean_shutdown = clean;
    // Within the last segment.
    rig.options.recovery_point = offset(records - 1);
    const auto opened = rig.open();
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(rig.log->log_end(), offset(records));
    EXPECT_EQ(rig.all_values(), written);
    ASSERT_TRUE(rig.close());
  }
}

TEST_F(damaged_log, MissesNothingForAWrongByteInAnOffsetIndex) {
  for (const std::string& path : paths(".index")) {
    for (std::size_t at = 0; at < size_of(path); ++at) {
      rig.host.disk().corrupt(path, at);
      ASSERT_TRUE(rig.open()) << path << " " << at;
      EXPECT_EQ(rig.all_values(), written) << path << " " << at;
      EXPECT_EQ(found_at(17), offset(17)) << path << " " << at;
      ASSERT_TRUE(rig.close());
      rig.host.disk().corrupt(path, at);
    }
  }
}

TEST_F(damaged_log, TruncatesThroughADamagedOffsetIndex) {
  const std::string path = paths(".index").front();
  for (std::size_t at = 7; at < size_of(path); at += 8) rig.host.disk().corrupt(path, at);
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.run(rig.log->truncate_to(offset(10))));
  EXPECT_EQ(rig.all_values(), std::vector(written.begin(), written.begin() + 10));
}

TEST_F(damaged_log, FindsTimesThoughATimeIndexIsEmpty) {
  for (const std::string& path : paths(".timeindex")) rig.host.disk().put(path, {});
  ASSERT_TRUE(rig.open());
  for (int i = 0; i < records; ++i) EXPECT_EQ(found_at(i), offset(i));
}

TEST_F(damaged_log, LooksForATimeBehindWhatADamagedTimeIndexSays) {
  const std::string path = paths(".timeindex").front();
  // The first entry's offset: far behind the segment.
  rig.host.disk().corrupt(path, 9);
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(found_at(3), offset(3));
}

TEST_F(damaged_log, RetentionDoesNotBelieveADamagedTimeIndex) {
  const std::string path = paths(".timeindex").front();
  // A high byte of the last timestamp: its records seem to be decades old.
  rig.host.disk().corrupt(path, size_of(path) - 10, std::byte{0x01});
  ASSERT_TRUE(rig.open());
  rig.log->set_high_watermark(offset(records));
  log_options options = rig.options.options;
  options.retention_ms = 7 * 24 * 3'600'000LL;
  rig.log->set_options(options);
  EXPECT_EQ(*rig.run(rig.log->apply_retention()), 0U);
  expect_everything();
}

TEST_F(damaged_log, TakesNoBatchWhoseOffsetLiesBeyondItsSegment) {
  const std::string path = paths(".log").front();
  const auto content = rig.host.disk().content_of(path);
  const std::size_t second = wire::first_batch(as_bytes(*content))->size_bytes();
  // Its checksum is right: it doesn't cover the offset.
  rig.host.disk().corrupt(path, second + 5);
  rig.options.clean_shutdown = false;
  rig.options.recovery_point = offset(0);
  rig.options.must_reach = offset(records);
  EXPECT_FALSE(rig.open());
  rig.options.must_reach = offset(0);
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_end(), offset(1));
  EXPECT_EQ(rig.all_values(), std::vector{written.front()});
}

TEST_F(damaged_log, BelievesTheBatchesWhereTheirEpochBeganEarlier) {
  rig.host.disk().put(rig.options.directory + "/leader-epoch-checkpoint", as_bytes("0\n1\n0 7\n"));
  rig.options.clean_shutdown = false;
  rig.options.recovery_point = offset(0);
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->epochs().entries(), (std::vector<epoch_entry>{{leader_epoch(0), offset(0)}}));
  expect_everything();
}

TEST_F(damaged_log, RefusesToCutWhatMustBeThere) {
  rig.options.clean_shutdown = false;
  rig.options.recovery_point = offset(0);
  rig.options.must_reach = offset(records);
  const std::string path = paths(".log").back();
  const auto before = rig.host.disk().content_of(path);
  rig.host.disk().corrupt(path, 70);
  const auto refused = rig.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::corrupt_message);
  rig.host.disk().corrupt(path, 70);
  EXPECT_EQ(rig.host.disk().content_of(path), before);
  append_to(path, "torn");
  ASSERT_TRUE(rig.open());
  expect_everything();
}

}  // namespace
}  // namespace moldau::storage::tests
