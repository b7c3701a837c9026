#include "storage/compaction.hpp"

#include <map>
#include <optional>

#include "storage/offset_map.hpp"
#include "storage/tests/rig.hpp"
#include "wire/record_control.hpp"

namespace moldau::storage::tests {
namespace {

constexpr std::int64_t start_ms = 1'700'000'000'000;

class compacted_log : public ::testing::Test {
 protected:
  compacted_log() {
    rig.options.options.segment_bytes = 600;
    rig.options.options.cleanup_compact = true;
    rig.options.options.cleanup_delete = false;
    rig.options.options.file_delete_delay_ms = 0;
    EXPECT_TRUE(rig.open());
  }
  void put(const std::string& key, const std::string& value) {
    ASSERT_TRUE(rig.append_synced(make_batch({.values = {value}, .timestamp_ms = start_ms, .keys = {key}})));
    if (value == "~") {
      expected.erase(key);
    } else {
      expected[key] = value;
    }
  }
  void settle() {
    ASSERT_TRUE(rig.run(rig.log->flush()));
    rig.log->set_high_watermark(rig.log->log_end());
  }
  offset compact(offset cleaned_to = offset(0)) {
    settle();
    const auto need = rig.run(rig.log->compaction_needed(cleaned_to));
    EXPECT_TRUE(need);
    const auto reached = rig.run(rig.log->compact(*need));
    EXPECT_TRUE(reached) << reached.error().message;
    return reached.value_or(no_offset);
  }
  /// What a reader that starts at the beginning ends up with.
  std::map<std::string, std::string> state() {
    std::map<std::string, std::string> out;
    offset from = rig.log->log_start();
    while (from < rig.log->log_end()) {
      auto part = rig.read_bytes({.from = from, .upper_bound = rig.log->log_end()});
      EXPECT_TRUE(part);
      if (!part || part->empty()) break;
      wire::batch_iterator batches(as_bytes(*part));
      wire::codec_context codecs;
      while (const auto batch = *batches.next()) {
        EXPECT_TRUE(batch->is_crc_ok());
        auto records = *wire::record_reader::open(*batch, codecs);
        record_view record;
        while (*records.next(record)) {
          if (batch->is_control()) continue;
          ++seen;
          const std::string key(as_text(*record.key));
          if (record.value) {
            out[key] = as_text(*record.value);
          } else {
            out.erase(key);
            ++tombstones;
          }
        }
        from = batch->next_offset();
      }
    }
    return out;
  }

  log_rig rig;
  std::map<std::string, std::string> expected;
  std::size_t seen = 0;
  std::size_t tombstones = 0;
};

TEST_F(compacted_log, KeepsTheLastValueOfEachKey) {
  for (int i = 0; i < 200; ++i) put("key-" + std::to_string(i % 7), "value-" + std::to_string(i));
  const std::uint64_t before = rig.log->size_bytes();
  const offset reached = compact();
  EXPECT_GT(reached, offset(180));
  EXPECT_LT(rig.log->size_bytes(), before / 5);
  EXPECT_EQ(rig.log->log_end(), offset(200));
  EXPECT_EQ(state(), expected);
  EXPECT_LT(seen, 30U);
}

TEST_F(compacted_log, ReadsTheSameAfterAKillAndAgainCompacted) {
  for (int i = 0; i < 100; ++i) put("key-" + std::to_string(i % 5), "value-" + std::to_string(i));
  const offset reached = compact();
  for (int i = 100; i < 200; ++i) put("key-" + std::to_string(i % 9), "value-" + std::to_string(i));
  rig.kill();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(state(), expected);
  compact(reached);
  EXPECT_EQ(state(), expected);
  EXPECT_LT(seen, 200U);
}

TEST_F(compacted_log, KeepsATombstoneForItsTimeOnly) {
  put("gone", "once");
  put("gone", "~");
  for (int i = 0; i < 60; ++i) put("key-" + std::to_string(i % 3), "value-" + std::to_string(i));
  compact();
  EXPECT_EQ(state(), expected);
  EXPECT_EQ(tombstones, 1U);
  rig.host.step_clock(rig.options.options.delete_retention_ms + 1000);
  for (int i = 0; i < 60; ++i) put("key-" + std::to_string(i % 3), "more-" + std::to_string(i));
  compact();
  tombstones = 0;
  EXPECT_EQ(state(), expected);
  EXPECT_EQ(tombstones, 0U);
}

TEST_F(compacted_log, KeepsCompressedBatchesWithTheirOffsets) {
  for (int i = 0; i < 60; ++i) {
    batch_spec spec{.values = {"a-" + std::to_string(i), "b-" + std::to_string(i)},
                    .timestamp_ms = start_ms,
                    .codec = wire::codec::zstd,
                    .keys = {"same", "key-" + std::to_string(i % 4)}};
    ASSERT_TRUE(rig.append_synced(make_batch(spec)));
    expected["same"] = spec.values[0];
    expected[spec.keys[1]] = spec.values[1];
  }
  compact();
  EXPECT_EQ(state(), expected);
}

TEST_F(compacted_log, KeepsTheSequenceOfAProducerWhoseRecordsAreGone) {
  ASSERT_TRUE(rig.append_synced(make_batch({.values = {"x"},
                                            .timestamp_ms = start_ms,
                                            .producer_id = producer_id(5),
                                            .producer_epoch = producer_epoch(0),
                                            .base_sequence = 41,
                                            .keys = {"key-0"}})));
  for (int i = 0; i < 60; ++i) put("key-" + std::to_string(i % 3), "value-" + std::to_string(i));
  compact();
  EXPECT_EQ(state(), expected);
  // Without any snapshot the state has to come from the batches alone.
  rig.remember();
  rig.host.kill();
  for (const std::string& path : rig.host.disk().files()) {
    if (path.ends_with(".snapshot")) rig.host.disk().corrupt(path, 0);
  }
  rig.again();
  ASSERT_TRUE(rig.open());
  const auto* known = rig.log->producers().find(producer_id(5));
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->last_sequence(), 41);
}

TEST_F(compacted_log, DropsWhatAnAbortedTransactionWrote) {
  put("key", "committed");
  ASSERT_TRUE(rig.append_synced(make_batch({.values = {"aborted"},
                                            .timestamp_ms = start_ms,
                                            .producer_id = producer_id(5),
                                            .producer_epoch = producer_epoch(0),
                                            .base_sequence = 0,
                                            .transactional = true,
                                            .keys = {"key"}})));
  wire::batch_builder builder;
  wire::codec_context codecs;
  ASSERT_TRUE(rig.append(*wire::end_txn_batch({.type = wire::control_record_type::abort, .coordinator_epoch = 0},
                                              producer_id(5), producer_epoch(0), start_ms, builder, codecs),
                         leader_epoch(0), append_origin::coordinator));
  for (int i = 0; i < 40; ++i) put("other-" + std::to_string(i % 3), "value-" + std::to_string(i));
  compact();
  EXPECT_EQ(state(), expected);
}

TEST_F(compacted_log, CleansInSeveralRoundsWhenTheMapIsFull) {
  rig.storage.cleaner_dedupe_buffer_bytes = 24 * 20;
  for (int i = 0; i < 200; ++i) put("key-" + std::to_string(i % 50), "value-" + std::to_string(i));
  offset cleaned(0);
  for (int round = 0; round < 30; ++round) {
    const offset reached = compact(cleaned);
    if (reached == cleaned) break;
    cleaned = reached;
    EXPECT_EQ(state(), expected) << round;
  }
  EXPECT_GT(cleaned, offset(180));
}

TEST_F(compacted_log, IsNotDueBelowItsDirtyRatio) {
  for (int i = 0; i < 200; ++i) put("key-" + std::to_string(i % 7), "value-" + std::to_string(i));
  settle();
  EXPECT_TRUE(rig.run(rig.log->compaction_needed(offset(0)))->due);
  // Nearly all is clean already.
  EXPECT_FALSE(rig.run(rig.log->compaction_needed(offset(190)))->due);
}

TEST_F(compacted_log, IsNotGivenUpWhileCompactionUsesIt) {
  for (int i = 0; i < 200; ++i) put("key-" + std::to_string(i % 7), "value-" + std::to_string(i));
  settle();
  const auto need = *rig.run(rig.log->compaction_needed(offset(0)));
  ASSERT_TRUE(need.due);
  std::optional<result<offset>> reached;
  rig.host.spawn([](log& of, log::compaction_need what, std::optional<result<offset>>& to) -> rt::task<void> {
    to = co_await of.compact(what);
  }(*rig.log, need, reached));
  rig.run([](log& of) -> rt::task<bool> {
    co_await of.abandon();
    co_return true;
  }(*rig.log));
  ASSERT_TRUE(reached);
  ASSERT_FALSE(*reached);
  EXPECT_EQ(reached->error().code, errc::closed);
}

TEST(Compaction, LosesNothingWhereverThePowerGoes) {
  for (std::uint64_t change = 1; change < 60; ++change) {
    log_rig rig(change);
    rig.options.options.segment_bytes = 600;
    rig.options.options.cleanup_compact = true;
    rig.options.options.cleanup_delete = false;
    ASSERT_TRUE(rig.open());
    std::map<std::string, std::string> expected;
    for (int i = 0; i < 60; ++i) {
      const std::string key = "key-" + std::to_string(i % 7);
      expected[key] = "value-" + std::to_string(i);
      ASSERT_TRUE(rig.append_synced(make_batch({.values = {expected[key]}, .keys = {key}})));
    }
    ASSERT_TRUE(rig.run(rig.log->flush()));
    rig.log->set_high_watermark(rig.log->log_end());
    rig.remember();
    const auto need = *rig.run(rig.log->compaction_needed(offset(0)));
    rig.host.disk().crash_at_change(change);
    bool crashed = false;
    try {
      ASSERT_TRUE(rig.run(rig.log->compact(need)));
    } catch (const sim::task_not_ended&) {
      crashed = true;
    }
    rig.host.disk().disarm();
    if (!crashed) {
      EXPECT_GT(change, 10U);
      return;
    }
    rig.again();
    ASSERT_TRUE(rig.open()) << change;
    EXPECT_EQ(rig.log->log_end(), offset(60)) << change;
    std::map<std::string, std::string> state;
    wire::codec_context codecs;
    for (offset from(0); from < offset(60);) {
      const auto bytes = rig.read_bytes({.from = from, .upper_bound = offset(60)});
      ASSERT_TRUE(bytes && !bytes->empty()) << change;
      wire::batch_iterator batches(as_bytes(*bytes));
      while (const auto batch = *batches.next()) {
        auto records = *wire::record_reader::open(*batch, codecs);
        record_view record;
        while (*records.next(record)) state[std::string(as_text(*record.key))] = as_text(*record.value);
        from = batch->next_offset();
      }
    }
    EXPECT_EQ(state, expected) << change;
  }
}

TEST(OffsetMap, KeepsTheLastOffsetAndStaysWithinItsBound) {
  offset_map map(24 * 100, 0.9, 7);
  int taken = 0;
  while (map.put(as_bytes("key-" + std::to_string(taken)), offset(taken))) ++taken;
  EXPECT_EQ(taken, 90);
  EXPECT_TRUE(map.put(as_bytes("key-3"), offset(1000)));
  EXPECT_EQ(map.get(as_bytes("key-3")), offset(1000));
  EXPECT_EQ(map.get(as_bytes("key-4")), offset(4));
  EXPECT_EQ(map.get(as_bytes("nobody")), std::nullopt);
}

}  // namespace
}  // namespace moldau::storage::tests
