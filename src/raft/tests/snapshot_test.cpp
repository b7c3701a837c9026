#include "raft/snapshot.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "files.hpp"
#include "raft/control_state.hpp"
#include "wire/record_batch.hpp"

namespace moldau::raft {
namespace {

result<void> ignore(bytes_view) {
  return {};
}

TEST(SnapshotName, IsTwentyDigitsOfOffsetAndTenOfEpoch) {
  const snapshot_id id{.end_offset = offset(42), .epoch = leader_epoch(3)};
  EXPECT_EQ(snapshot_file_name(id), "00000000000000000042-0000000003.checkpoint");
  EXPECT_EQ(parse_snapshot_file_name("00000000000000000042-0000000003.checkpoint"), id);
}

TEST(SnapshotName, LeavesEverythingElseAlone) {
  for (const std::string_view name :
       {"00000000000000000042.log", "00000000000000000042-0000000003.checkpoint.part", "leader-epoch-checkpoint",
        "0000000000000000004x-0000000003.checkpoint", "99999999999999999999-0000000003.checkpoint"}) {
    EXPECT_FALSE(parse_snapshot_file_name(name)) << name;
  }
  EXPECT_TRUE(is_snapshot_leftover("00000000000000000042-0000000003.checkpoint.part"));
  EXPECT_TRUE(is_snapshot_leftover("00000000000000000042-0000000003.checkpoint.deleted"));
  EXPECT_FALSE(is_snapshot_leftover("00000000000000000042-0000000003.checkpoint"));
}

TEST(Snapshot, ReadsTheVotersThatKafkaFormats) {
  const auto file = kafka_file("standalone-0-0.checkpoint");
  const auto contents = read_snapshot(bootstrap_snapshot_id, file, ignore);
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(contents->kraft_version, 1);
  EXPECT_EQ(contents->records, 0U);
  ASSERT_TRUE(contents->voters);
  ASSERT_EQ(contents->voters->size(), 1U);
  const voter& v = *contents->voters->begin();
  EXPECT_EQ(v.key.id, broker_id(1));
  EXPECT_EQ(v.key.directory.to_string(), "Y8b8PKVSQHK2M_T8Ct7fJw");
  EXPECT_EQ(v.endpoints, (std::vector<endpoint>{{.name = "CONTROLLER", .host = "127.0.0.1", .port = 19093}}));
  EXPECT_EQ(v.max_kraft_version, 1);
}

TEST(Snapshot, WritesWhatKafkaWritesByteForByte) {
  for (const char* name : {"standalone-0-0.checkpoint", "bootstrap.checkpoint"}) {
    const auto file = kafka_file(name);
    std::vector<shared_bytes> records;
    const auto contents = read_snapshot(bootstrap_snapshot_id, file, [&](bytes_view record) -> result<void> {
      records.push_back(shared_bytes::copy_of(record));
      return {};
    });
    ASSERT_TRUE(contents) << contents.error().message;
    const std::int64_t now_ms = wire::first_batch(file)->max_timestamp_ms();
    snapshot_writer writer({.id = bootstrap_snapshot_id,
                            .last_contained_log_timestamp_ms = contents->last_contained_log_timestamp_ms,
                            .kraft_version = contents->kraft_version,
                            .voters = contents->voters},
                           now_ms);
    writer.append(records);
    std::string ours = joined(writer.finish());
    std::string kafkas(as_text(file));
    ASSERT_EQ(ours.size(), kafkas.size()) << name;
    // Kafka looks at the clock for every batch: compare without times and checksums.
    const auto blank = [](std::string& text) {
      for (std::size_t at = 0; at < text.size();) {
        const auto size = *wire::batch_size(as_bytes(text).subspan(at));
        text.replace(at + wire::batch_layout::crc, 4, 4, '\0');
        text.replace(at + wire::batch_layout::base_timestamp, 16, 16, '\0');
        at += size;
      }
    };
    blank(ours);
    blank(kafkas);
    EXPECT_EQ(ours, kafkas) << name;
  }
}

TEST(Snapshot, GivesBackItsRecordsInSeveralBatches) {
  snapshot_writer writer({.id = {.end_offset = offset(9), .epoch = leader_epoch(2)}}, 77);
  std::vector<shared_bytes> records;
  for (int i = 0; i < 3; ++i) records.push_back(shared_bytes::copy_of(as_bytes(std::string(3'500'000, 'a' + i))));
  writer.append(records);
  const std::string file = joined(writer.finish());
  std::string firsts;
  const auto contents = read_snapshot({}, as_bytes(file), [&](bytes_view record) -> result<void> {
    EXPECT_EQ(record.size(), 3'500'000U);
    firsts += as_text(record)[0];
    return {};
  });
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(firsts, "abc");
  for (std::size_t at = 0; at < file.size();) {
    const auto size = *wire::batch_size(as_bytes(file).subspan(at));
    EXPECT_LE(size, std::size_t{8} << 20U);
    at += size;
  }
}

TEST(Snapshot, RefusesADamagedFileWhereverItIsCutOrFlipped) {
  const auto file = kafka_file("bootstrap.checkpoint");
  for (std::size_t cut = 0; cut < file.size(); ++cut) {
    EXPECT_FALSE(read_snapshot({}, file.view().first(cut), ignore)) << cut;
  }
  // Base offset and epoch of a batch lie outside its checksum and mean nothing in a snapshot.
  for (std::size_t at = wire::batch_layout::magic; at < 80; ++at) {
    shared_bytes flipped = shared_bytes::copy_of(file);
    flipped.writable()[at] ^= std::byte{0x40};
    EXPECT_FALSE(read_snapshot({}, flipped, ignore)) << at;
  }
}

TEST(ControlState, KnowsThatBootstrapVotersAreNotInTheLogYet) {
  const auto file = kafka_file("standalone-0-0.checkpoint");
  control_state state;
  state.observe(*read_snapshot(bootstrap_snapshot_id, file, ignore));
  EXPECT_EQ(state.kraft_version, 1);
  EXPECT_EQ(state.voters_offset, no_offset);
  ASSERT_TRUE(state.observe_batch(kafka_file("first-batch.log")));
  EXPECT_EQ(state.voters_offset, offset(2));
}

}  // namespace
}  // namespace moldau::raft
