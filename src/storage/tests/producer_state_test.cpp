#include "storage/producer_state.hpp"

#include <limits>

#include "bytes/crc32c.hpp"
#include "bytes/endian.hpp"
#include "storage/tests/rig.hpp"
#include "wire/record_control.hpp"

namespace moldau::storage::tests {
namespace {

shared_bytes produced(std::int64_t id, std::int16_t epoch, std::int32_t sequence, std::size_t records = 1,
                      bool transactional = false) {
  return make_batch({.values = std::vector<std::string>(records, "v"),
                     .producer_id = producer_id(id),
                     .producer_epoch = producer_epoch(epoch),
                     .base_sequence = sequence,
                     .transactional = transactional});
}

shared_bytes marker(std::int64_t id, std::int16_t epoch, wire::control_record_type type) {
  wire::batch_builder builder;
  wire::codec_context codecs;
  return *wire::end_txn_batch({.type = type, .coordinator_epoch = 0}, producer_id(id), producer_epoch(epoch),
                              1'700'000'000'000, builder, codecs);
}

errc code_of(const result<append_info>& info) {
  return info ? errc::none : info.error().code;
}

TEST(ProducerState, TheSnapshotThatAKilledLogWentOnFromStays) {
  log_rig rig;
  rig.options.options.segment_bytes = 500;
  ASSERT_TRUE(rig.open());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(rig.append_synced(produced(7, 0, i)));
  ASSERT_TRUE(rig.run(rig.log->flush()));
  const std::string kept = "/data/orders-0/00000000000000000003.snapshot";
  const auto content = rig.host.disk().content_of(kept);
  ASSERT_TRUE(content);
  for (int i = 3; i < 10; ++i) ASSERT_TRUE(rig.append_synced(produced(7, 0, i)));
  rig.kill();
  // A newer one, of a segment's base, may have been written before the recovery point was.
  rig.host.disk().put(kept, as_bytes(*content));
  for (int i = 0; i < 2; ++i) {
    rig.options.recovery_point = offset(3);
    ASSERT_TRUE(rig.open());
    EXPECT_TRUE(rig.host.disk().content_of(kept));
    EXPECT_TRUE(rig.append(produced(7, 0, 9))->duplicate);
    rig.kill();
  }
}

TEST(ProducerState, AStaleSnapshotOfASegmentThatIsRecoveredIsReplaced) {
  log_rig rig;
  rig.options.options.segment_bytes = 500;
  ASSERT_TRUE(rig.open());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(rig.append_synced(produced(7, 0, i)));
  ASSERT_TRUE(rig.run(rig.log->flush()));
  std::vector<std::string> bases;
  for (const std::string& path : rig.host.disk().files()) {
    if (path.ends_with(".log") && !path.ends_with("/00000000000000000000.log")) {
      bases.push_back("/" + path.substr(0, path.size() - 3) + "snapshot");
    }
  }
  ASSERT_FALSE(bases.empty());
  rig.kill();
  for (const std::string& path : bases) rig.host.disk().put(path, producer_state().encode_snapshot());
  rig.options.recovery_point = offset(0);
  ASSERT_TRUE(rig.open());
  for (const std::string& path : bases) {
    producer_state of;
    const auto content = rig.host.disk().content_of(path);
    ASSERT_TRUE(content) << path;
    EXPECT_TRUE(of.load_snapshot(as_bytes(*content), offset(10), 0, std::numeric_limits<std::int64_t>::max()));
    EXPECT_FALSE(of.empty()) << path;
  }
  EXPECT_TRUE(rig.append(produced(7, 0, 9))->duplicate);
}

TEST(ProducerState, WithoutASnapshotIsReadUpToTheRecoveryPointAndNoFurther) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(rig.append_synced(produced(7, 0, i)));
  ASSERT_TRUE(rig.run(rig.log->flush()));
  rig.kill();
  // As space is that was set aside ahead.
  const std::string log = "/data/orders-0/00000000000000000000.log";
  rig.host.disk().put(log, as_bytes(*rig.host.disk().content_of(log) + std::string(300, '\0')));
  ASSERT_TRUE(rig.host.core().files().remove("/data/orders-0/00000000000000000003.snapshot"));
  const auto opened = rig.open();
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(rig.log->log_end(), offset(3));
  EXPECT_TRUE(rig.append(produced(7, 0, 2))->duplicate);
}

TEST(ProducerState, AnswersADuplicateWithItsFirstOffsets) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(rig.append(produced(7, 0, i * 2, 2)));
  const auto again = rig.append(produced(7, 0, 6, 2));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->first_offset, offset(6));
  EXPECT_EQ(again->last_offset, offset(7));
  EXPECT_EQ(rig.log->log_end(), offset(16));
  // Only the last five are remembered.
  EXPECT_EQ(code_of(rig.append(produced(7, 0, 4, 2))), errc::out_of_order_sequence_number);
}

TEST(ProducerState, RefusesAGapInTheSequence) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(produced(7, 0, 0)));
  EXPECT_EQ(code_of(rig.append(produced(7, 0, 2))), errc::out_of_order_sequence_number);
  EXPECT_EQ(code_of(rig.append(produced(7, 0, 1))), errc::none);
}

TEST(ProducerState, TakesAnySequenceFromAProducerItDoesNotKnow) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(code_of(rig.append(produced(7, 3, 42))), errc::none);
}

TEST(ProducerState, FencesAnOlderEpochAndStartsANewerOneAtZero) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(produced(7, 1, 0)));
  EXPECT_EQ(code_of(rig.append(produced(7, 0, 1))), errc::invalid_producer_epoch);
  EXPECT_EQ(code_of(rig.append(produced(7, 2, 1))), errc::out_of_order_sequence_number);
  EXPECT_EQ(code_of(rig.append(produced(7, 2, 0))), errc::none);
}

TEST(ProducerState, GoesOnPastTheLargestSequence) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(produced(7, 0, 0x7ffffffe, 4)));
  EXPECT_EQ(rig.log->producers().find(producer_id(7))->last_sequence(), 1);
  EXPECT_TRUE(rig.append(produced(7, 0, 0x7ffffffe, 4))->duplicate);
  EXPECT_EQ(code_of(rig.append(produced(7, 0, 2))), errc::none);
}

TEST(ProducerState, SurvivesACleanStopAndAKill) {
  for (const bool clean : {true, false}) {
    log_rig rig;
    ASSERT_TRUE(rig.open());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(rig.append_synced(produced(7, 1, i)));
    if (clean) {
      ASSERT_TRUE(rig.close());
      rig.options.clean_shutdown = true;
    } else {
      rig.kill();
    }
    ASSERT_TRUE(rig.open());
    EXPECT_TRUE(rig.append(produced(7, 1, 2))->duplicate) << clean;
    EXPECT_EQ(code_of(rig.append(produced(7, 0, 3))), errc::invalid_producer_epoch) << clean;
    EXPECT_EQ(code_of(rig.append(produced(7, 1, 3))), errc::none) << clean;
  }
}

TEST(ProducerState, SurvivesADamagedSnapshot) {
  log_rig rig;
  rig.options.options.segment_bytes = 400;
  ASSERT_TRUE(rig.open());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(rig.append_synced(produced(7, 1, i)));
  ASSERT_TRUE(rig.close());
  ASSERT_TRUE(rig.host.disk().corrupt("/data/orders-0/00000000000000000020.snapshot", 14));
  rig.options.clean_shutdown = true;
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.append(produced(7, 1, 19))->duplicate);
}

TEST(ProducerState, ForgetsWhoHasBeenSilent) {
  log_rig rig;
  rig.storage.producer_id_expiration_ms = 1000;
  rig.storage.producer_id_expiration_check_interval_ms = 0;
  rig.options.options.retention_ms = -1;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(produced(7, 1, 0)));
  rig.simulator.run_for(std::chrono::seconds(2));
  ASSERT_TRUE(rig.run(rig.log->apply_retention()));
  EXPECT_TRUE(rig.log->producers().empty());
}

TEST(ProducerState, HoldsTheStableOffsetBackWhileATransactionIsOpen) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(one_record("before")));
  ASSERT_TRUE(rig.append(produced(7, 0, 0, 2, true)));
  ASSERT_TRUE(rig.append(one_record("after")));
  rig.log->set_high_watermark(offset(4));
  EXPECT_EQ(rig.log->last_stable_offset(), offset(1));
  ASSERT_TRUE(rig.append(marker(7, 0, wire::control_record_type::abort), leader_epoch(0), append_origin::coordinator));
  EXPECT_EQ(rig.log->last_stable_offset(), offset(1));
  rig.log->set_high_watermark(offset(5));
  EXPECT_EQ(rig.log->last_stable_offset(), offset(5));
  const auto aborted = rig.run(rig.log->aborted_transactions(offset(0), offset(5)));
  ASSERT_EQ(aborted->size(), 1U);
  EXPECT_EQ(aborted->front(), (aborted_transaction{.producer_id = producer_id(7), .first_offset = offset(1)}));
}

TEST(ProducerState, KeepsOpenAndAbortedTransactionsThroughAKill) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append(produced(7, 0, 0, 2, true)));
  ASSERT_TRUE(rig.append(marker(7, 0, wire::control_record_type::abort), leader_epoch(0), append_origin::coordinator));
  ASSERT_TRUE(rig.append_synced(produced(8, 0, 0, 1, true)));
  rig.kill();
  ASSERT_TRUE(rig.open());
  rig.log->set_high_watermark(offset(4));
  EXPECT_EQ(rig.log->last_stable_offset(), offset(3));
  EXPECT_EQ(rig.run(rig.log->aborted_transactions(offset(0), offset(4)))->size(), 1U);
}

TEST(ProducerState, RefusesASnapshotThatIsDamagedAnywhere) {
  producer_state state;
  state.update(wire::batch_view(produced(7, 0, 0).view()));
  const auto bytes = state.encode_snapshot();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= std::byte{1};
    EXPECT_FALSE(producer_state().load_snapshot(damaged, offset(1), 0, 1000)) << i;
    EXPECT_FALSE(producer_state().load_snapshot(bytes_view(bytes).first(i), offset(1), 0, 1000)) << i;
  }
}

TEST(ProducerState, KnowsABatchThatTheLogStartsInsideAfterAKill) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_synced(produced(7, 0, 0, 3)));
  rig.log->set_high_watermark(offset(3));
  ASSERT_TRUE(rig.run(rig.log->delete_records(offset(1))));
  rig.options.log_start = offset(1);
  rig.kill();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->producers().map_end(), offset(3));
  const auto again = rig.append(produced(7, 0, 0, 3));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
}

TEST(ProducerState, IsNotTakenFromDeletedBatchesThoughAllAreChecked) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_synced(produced(7, 0, 0, 3)));
  ASSERT_TRUE(rig.append_synced(produced(8, 0, 0)));
  rig.log->set_high_watermark(offset(4));
  ASSERT_TRUE(rig.run(rig.log->delete_records(offset(3))));
  rig.options.log_start = offset(3);
  rig.kill();
  rig.host.disk().put("/data/orders-0/leader-epoch-checkpoint", as_bytes("0\n1\n0=0\n"));
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->producers().find(producer_id(7)), nullptr);
  EXPECT_NE(rig.log->producers().find(producer_id(8)), nullptr);
}

TEST(ProducerState, IsForgottenWithALogThatStartsAnew) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_synced(produced(7, 0, 0, 3)));
  ASSERT_TRUE(rig.close());
  rig.options.log_start = offset(5);
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_end(), offset(5));
  ASSERT_TRUE(rig.close());
  rig.options.clean_shutdown = true;
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->producers().find(producer_id(7)), nullptr);
}

TEST(ProducerState, RefusesASnapshotThatNamesAProducerOrATransactionTwice) {
  producer_state state;
  state.update(wire::batch_view(produced(7, 0, 0, 1, true)));
  const auto one = state.encode_snapshot();
  constexpr std::size_t head_size = 10;
  for (const std::byte id : {std::byte{7}, std::byte{8}}) {
    auto twice = one;
    twice.insert(twice.end(), one.begin() + head_size, one.end());
    twice[one.size() + 7] = id;
    bytes::store_be(twice.data() + 6, 2);
    bytes::store_be(twice.data() + 2, bytes::crc32c(bytes_view(twice).subspan(6)));
    producer_state again = state;
    EXPECT_FALSE(again.load_snapshot(twice, offset(1), 0, 1000));
    EXPECT_EQ(again.encode_snapshot(), one);
  }
}

TEST(ProducerState, ForgetsWhoseLastTimeCannotBe) {
  constexpr auto never = std::numeric_limits<std::int64_t>::min();
  producer_state state;
  state.update(wire::batch_view(make_batch(
      {.values = {"v"}, .timestamp_ms = never, .producer_id = producer_id(7), .producer_epoch = producer_epoch(0)})));
  producer_state again;
  ASSERT_TRUE(again.load_snapshot(state.encode_snapshot(), offset(1), 1'700'000'000'000, 1000));
  EXPECT_TRUE(again.empty());
  EXPECT_EQ(state.expire(1'700'000'000'000, 1000), 1U);
}

TEST(ProducerState, IsKnownUpToTheEndOfALogWhoseLastSegmentIsEmpty) {
  log_rig rig;
  ASSERT_TRUE(rig.open());
  ASSERT_TRUE(rig.append_synced(one_record("a")));
  rig.remember();
  rig.host.kill();
  rig.host.disk().put("/data/orders-0/00000000000000000010.log", {});
  rig.again();
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.log->log_end(), offset(10));
  EXPECT_EQ(rig.log->producers().map_end(), offset(10));
}

}  // namespace
}  // namespace moldau::storage::tests
