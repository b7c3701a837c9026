#include "offline/verify.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "storage/file_names.hpp"
#include "storage/producer_state.hpp"
#include "storage/tests/rig.hpp"
#include "storage/txn_index.hpp"
#include "wire/record_control.hpp"

namespace moldau::offline {
namespace {

using storage::aborted_entry;
using storage::producer_state;
using storage::tests::log_rig;
using storage::tests::make_batch;
using ::testing::HasSubstr;

/// A log of two segments that was closed in order: in the first an idempotent producer, an aborted and a committed
/// transaction, in the second one that is still open.
class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() {
    EXPECT_TRUE(rig_.open());
    append(5, 0, false);  // offset 0
    append(7, 0, true);   // 1
    append(8, 0, true);   // 2
    end(7, wire::control_record_type::abort);
    end(8, wire::control_record_type::commit);
    append(5, 1, false);  // 5
    rig_.run([](storage::log& log) -> rt::task<void> {
      log.roll();
      co_await log.flush();
    }(*rig_.log));
    append(8, 1, true);  // 6
    append(5, 2, false);
    EXPECT_TRUE(rig_.close());
  }

  void append(int producer, std::int32_t sequence, bool transactional) {
    EXPECT_TRUE(rig_.append_synced(make_batch({.values = {"value"},
                                               .producer_id = producer_id(producer),
                                               .producer_epoch = producer_epoch(0),
                                               .base_sequence = sequence,
                                               .transactional = transactional})));
  }
  void end(int producer, wire::control_record_type how) {
    wire::batch_builder builder;
    wire::codec_context codecs;
    EXPECT_TRUE(rig_.append(*wire::end_txn_batch({.type = how, .coordinator_epoch = 0}, producer_id(producer),
                                                 producer_epoch(0), 1'700'000'000'000, builder, codecs),
                            leader_epoch(0), storage::append_origin::coordinator));
  }

  std::string path(std::int64_t base, std::string_view suffix) const {
    return rt::join_path(rig_.options.directory, storage::segment_file_name(offset(base), suffix));
  }
  void put(const std::string& path, bytes_view content) { rig_.host.disk().put(path, content); }
  bool is_there(const std::string& path) const { return rig_.host.disk().content_of(path).has_value(); }
  void put_index(std::int64_t base, const std::vector<aborted_entry>& entries) {
    put(path(base, storage::names::txn_index), storage::encode_txn_index(entries));
  }
  std::vector<finding> findings() {
    verified out;
    EXPECT_TRUE(verify_partition(rig_.world().files(), rig_.options.directory, out, [](const auto&) {}));
    return out.findings;
  }
  /// The one thing that is wrong, with that path.
  std::string only_finding(const std::string& path, remedy by) {
    const auto found = findings();
    EXPECT_EQ(found.size(), 1U) << (found.empty() ? "" : found.back().path + ": " + found.back().sentence);
    if (found.size() != 1) return {};
    EXPECT_EQ(found.front().path, path);
    EXPECT_EQ(found.front().remedy, by);
    return found.front().sentence;
  }
  /// The snapshot at `at`, of the batches that `keeps` lets through, in place of what is there.
  void put_snapshot(std::int64_t at, const std::function<bool(const wire::batch_view&)>& keeps) {
    producer_state state;
    for (const std::int64_t base : {0, 6}) {
      const std::string log = *rig_.host.disk().content_of(path(base, storage::names::log));
      wire::batch_iterator batches(as_bytes(log));
      while (const auto batch = *batches.next()) {
        if (batch->base_offset() < offset(at) && keeps(*batch)) state.update(*batch);
      }
    }
    put(path(at, storage::names::snapshot), state.encode_snapshot());
  }

  static constexpr aborted_entry aborted{.producer_id = producer_id(7),
                                         .first_offset = offset(1),
                                         .last_offset = offset(3),
                                         .last_stable_offset = offset(2)};
  mutable log_rig rig_;
};

TEST_F(VerifyTest, FindsNothingWhereAllIsAsItWasLeft) {
  EXPECT_TRUE(findings().empty());
  EXPECT_TRUE(is_there(path(0, storage::names::txn_index)));
  EXPECT_TRUE(is_there(path(6, storage::names::snapshot)));
  EXPECT_TRUE(is_there(path(8, storage::names::snapshot)));
  // The files of this test's own making are no different.
  put_index(0, {aborted});
  put_snapshot(6, [](const auto&) { return true; });
  put_snapshot(8, [](const auto&) { return true; });
  EXPECT_TRUE(findings().empty());
}

TEST_F(VerifyTest, FindsAnAbortedTransactionThatTheIndexLacks) {
  const std::string index = path(0, storage::names::txn_index);
  put_index(0, {});
  EXPECT_THAT(only_finding(index, remedy::recover), HasSubstr("producer 7 that was aborted at offset 3"));
  ASSERT_TRUE(rig_.world().files().remove(index));
  EXPECT_THAT(only_finding(index, remedy::recover), HasSubstr("producer 7 that was aborted at offset 3"));
}

TEST_F(VerifyTest, FindsAnAbortThatTheLogLacks) {
  const std::string index = path(0, storage::names::txn_index);
  aborted_entry other = aborted;
  other.producer_id = producer_id(8);
  other.last_offset = offset(4);
  put_index(0, {aborted, other});
  EXPECT_THAT(only_finding(index, remedy::recover), HasSubstr("entry 1: the log has no abort of producer 8"));
  other = aborted;
  other.first_offset = offset(2);
  put_index(0, {other});
  EXPECT_THAT(only_finding(index, remedy::recover), HasSubstr("begins at offset 1, and not at 2"));
  put_index(0, {aborted});
  put_index(6, {aborted});
  EXPECT_THAT(only_finding(path(6, storage::names::txn_index), remedy::recover), HasSubstr("isn't in the segment"));
}

TEST_F(VerifyTest, FindsATransactionIndexThatIsCutShort) {
  const std::string index = path(0, storage::names::txn_index);
  auto bytes = storage::encode_txn_index({aborted});
  bytes.resize(bytes.size() + 5);
  put(index, bytes);
  EXPECT_THAT(only_finding(index, remedy::recover), HasSubstr("entry 1 is cut short"));
}

TEST_F(VerifyTest, FindsThatAFullRecoveryMakesTransactionIndexesAnew) {
  put_index(0, {});
  put_index(6, {{.producer_id = producer_id(8),
                 .first_offset = offset(6),
                 .last_offset = offset(7),
                 .last_stable_offset = offset(8)}});
  EXPECT_EQ(findings().size(), 2U);
  rig_.options.recovery_point = offset(0);
  rig_.options.clean_shutdown = false;
  ASSERT_TRUE(rig_.open());
  ASSERT_TRUE(rig_.close());
  EXPECT_TRUE(findings().empty());
}

TEST_F(VerifyTest, FindsASnapshotThatCannotBeRead) {
  const std::string snapshot = path(6, storage::names::snapshot);
  ASSERT_TRUE(rig_.host.disk().corrupt(snapshot, 20));
  EXPECT_THAT(only_finding(snapshot, remedy::start), HasSubstr("checksum"));
}

TEST_F(VerifyTest, FindsASnapshotThatTheLogContradicts) {
  const std::string snapshot = path(8, storage::names::snapshot);
  put_snapshot(8, [](const auto& batch) { return batch.base_offset() != offset(7); });
  EXPECT_THAT(only_finding(snapshot, remedy::remove),
              HasSubstr("producer 5: its last batch ends at offset 5, in the log at 7"));
  put_snapshot(8, [](const auto& batch) { return !batch.is_control() || batch.producer_id() != producer_id(7); });
  EXPECT_THAT(only_finding(snapshot, remedy::remove),
              HasSubstr("producer 7: its transaction since offset 1 has ended at 3"));
  put_snapshot(8, [](const auto& batch) { return batch.producer_id() != producer_id(5); });
  EXPECT_TRUE(findings().empty()) << "a producer may have been silent for too long";
}

TEST_F(VerifyTest, FindsASnapshotOfMoreThanItsOffset) {
  put_snapshot(8, [](const auto&) { return true; });
  const std::string later = *rig_.host.disk().content_of(path(8, storage::names::snapshot));
  put(path(6, storage::names::snapshot), as_bytes(later));
  EXPECT_THAT(only_finding(path(6, storage::names::snapshot), remedy::remove), HasSubstr("isn't below the snapshot's"));
}

TEST_F(VerifyTest, FindsASnapshotBehindTheLogsEnd) {
  const std::string here = *rig_.host.disk().content_of(path(8, storage::names::snapshot));
  put(path(9, storage::names::snapshot), as_bytes(here));
  EXPECT_THAT(only_finding(path(9, storage::names::snapshot), remedy::start), HasSubstr("the log ends at 8"));
}

TEST_F(VerifyTest, CallsWhatIsTooLargeToOpenNoDamage) {
  ASSERT_TRUE(rig_.open());
  const std::string zeros((std::size_t{256} << 20U) + 1, '\0');
  EXPECT_TRUE(rig_.append_synced(make_batch({.values = {zeros}, .codec = wire::codec::zstd})));
  EXPECT_TRUE(rig_.close());
  EXPECT_THAT(only_finding(path(6, storage::names::log), remedy::none), HasSubstr("larger than can be opened"));
}

TEST_F(VerifyTest, ComparesNothingWithBatchesThatAreDamaged) {
  ASSERT_TRUE(rig_.host.disk().corrupt(path(0, storage::names::log), 70));
  EXPECT_THAT(only_finding(path(0, storage::names::log), remedy::copy), HasSubstr("checksum"));
}

}  // namespace
}  // namespace moldau::offline
