#include <gtest/gtest.h>

#include "cli/mirror.hpp"

namespace moldau::cli::mirroring {
namespace {

record_view record(std::int64_t timestamp_ms, std::string_view value) {
  return {.timestamp_ms = timestamp_ms, .value = as_bytes(value)};
}

lane fresh() {
  return {{"a", partition_id(0)}, {"b", partition_id(0)}, {.source_next = offset(100), .target_end = offset(7)}};
}

TEST(CopiedTail, FindsARecordAsOftenAsItIsThere) {
  copied_tail tail;
  tail.add(record(1, "x"));
  tail.add(record(1, "x"));
  EXPECT_TRUE(tail.take(record(1, "x")));
  EXPECT_TRUE(tail.take(record(1, "x")));
  EXPECT_FALSE(tail.take(record(1, "x")));
  EXPECT_TRUE(tail.empty());
}

TEST(CopiedTail, TellsRecordsApartByAllThatACopyKeeps) {
  const header_view header{"h", as_bytes("1")};
  const header_view other{"h", std::nullopt};
  const record_view whole{.timestamp_ms = 1, .key = as_bytes("k"), .value = as_bytes("v"), .headers = {&header, 1}};
  copied_tail tail;
  tail.add(whole);
  for (auto change : {+[](record_view& r) { r.timestamp_ms = 2; }, +[](record_view& r) { r.key.reset(); },
                      +[](record_view& r) { r.value = as_bytes(""); }, +[](record_view& r) { r.headers = {}; }}) {
    record_view changed = whole;
    change(changed);
    EXPECT_FALSE(tail.take(changed));
  }
  record_view changed = whole;
  changed.headers = {&other, 1};
  EXPECT_FALSE(tail.take(changed));
  EXPECT_TRUE(tail.take(whole));
}

TEST(Lane, ComesAsFarAsWholeBatchesAreDelivered) {
  lane of = fresh();
  of.sent(1);
  of.sent(1);
  of.finished_batch(offset(102));
  of.delivered(offset(7));
  EXPECT_EQ(of.reached().source_next, offset(100));
  of.delivered(offset(8));
  EXPECT_EQ(of.reached().source_next, offset(102));
  EXPECT_EQ(of.reached().target_end, offset(9));
  EXPECT_EQ(of.position(), offset(102));
}

TEST(Lane, NeverTellsACopysEndPastWhatTheSourcesOffsetCovers) {
  lane of = fresh();
  of.sent(1);
  of.finished_batch(offset(101));
  of.sent(1);
  of.sent(1);
  of.finished_batch(offset(103));
  of.delivered(offset(7));
  of.delivered(offset(8));
  EXPECT_EQ(of.reached().source_next, offset(101));
  EXPECT_EQ(of.reached().target_end, offset(8));
}

TEST(Lane, AnOffsetThatIsNotToldLeavesTheCopysEndWhereItWas) {
  lane of = fresh();
  of.sent(1);
  of.finished_batch(offset(101));
  of.delivered(no_offset);
  EXPECT_EQ(of.reached().source_next, offset(101));
  EXPECT_EQ(of.reached().target_end, offset(7));
}

TEST(Lane, SkipsWhatTheCopyHasAndThenKnowsItsEnd) {
  lane of = fresh();
  copied_tail tail;
  tail.add(record(1, "x"));
  tail.add(record(2, "y"));
  of.set_tail(std::move(tail), offset(9), offset(102));
  EXPECT_TRUE(of.is_copied(record(1, "x")));
  of.skipped();
  EXPECT_EQ(of.reached().target_end, offset(7));
  EXPECT_TRUE(of.is_copied(record(2, "y")));
  of.skipped();
  of.finished_batch(offset(102));
  EXPECT_EQ(of.reached().source_next, offset(102));
  EXPECT_EQ(of.reached().target_end, offset(9));
}

TEST(Lane, ForgetsWhatTheSourceCanNoLongerBring) {
  lane of = fresh();
  copied_tail tail;
  tail.add(record(1, "compacted away at the source"));
  of.set_tail(std::move(tail), offset(8), offset(150));
  of.finished_batch(offset(150));
  EXPECT_FALSE(of.is_copied(record(1, "compacted away at the source")));
}

TEST(Lane, GapsOfTheSourceArePassed) {
  lane of = fresh();
  of.finished_batch(offset(500));
  EXPECT_EQ(of.reached().source_next, offset(500));
  of.move_to(offset(600));
  EXPECT_EQ(of.reached().source_next, offset(600));
}

}  // namespace
}  // namespace moldau::cli::mirroring
