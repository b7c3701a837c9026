#include "tests/sim/key_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/record_ledger.hpp"

namespace moldau::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Key "a", whose values are "w/<number>/".
class keys_checked : public ::testing::Test {
 protected:
  static std::string value(std::int64_t number) { return origin::write("w", number, ""); }
  void write(std::int64_t number, std::int64_t at) {
    keys.sending("a", value(number));
    keys.acknowledged("a", offset(at));
  }
  void remove(std::int64_t at) {
    keys.sending("a", std::nullopt);
    keys.acknowledged("a", offset(at));
  }
  static void see(key_ledger::pass& in, std::int64_t number, std::int64_t at) {
    in.saw(offset(at), "a", value(number));
  }

  verdict found;
  key_ledger keys{found};
};

TEST_F(keys_checked, TheLastValueInOrderIsFine) {
  for (int i = 0; i < 3; ++i) write(i, i);
  key_ledger::pass all(keys);
  for (int i = 0; i < 3; ++i) see(all, i, i);
  all.ended(false);
  key_ledger::pass compacted(keys);
  see(compacted, 2, 2);
  compacted.ended(true);
  EXPECT_TRUE(found.passed()) << found.first().front();
  EXPECT_EQ(keys.acknowledged_count(), 3U);
}

TEST_F(keys_checked, ADeletedKeyMayBeThereWithItsTombstoneOrNotAtAll) {
  write(0, 0);
  remove(1);
  key_ledger::pass before(keys);
  see(before, 0, 0);
  before.saw(offset(1), "a", std::nullopt);
  before.ended(false);
  key_ledger::pass after(keys);
  after.ended(true);
  EXPECT_TRUE(found.passed()) << found.first().front();
}

TEST_F(keys_checked, WhatHadNoAnswerMayBeThereOrNot) {
  write(0, 0);
  keys.sending("a", value(1));
  key_ledger::pass without(keys);
  see(without, 0, 0);
  without.ended(false);
  key_ledger::pass with(keys);
  see(with, 1, 1);
  with.ended(false);
  EXPECT_TRUE(found.passed()) << found.first().front();
}

TEST_F(keys_checked, ATombstoneWithoutAnAnswerMayTakeTheKeyAway) {
  write(0, 0);
  keys.sending("a", std::nullopt);
  key_ledger::pass without(keys);
  see(without, 0, 0);
  without.ended(false);
  key_ledger::pass(keys).ended(true);
  EXPECT_TRUE(found.passed()) << found.first().front();
}

TEST_F(keys_checked, WhatIsDeletedWhileItIsReadIsNotMissed) {
  write(0, 0);
  key_ledger::pass reading(keys);
  remove(1);
  reading.ended(false);
  EXPECT_TRUE(found.passed()) << found.first().front();
}

TEST_F(keys_checked, WhatIsWrittenWhileItIsReadIsNotMissed) {
  write(0, 0);
  key_ledger::pass reading(keys);
  see(reading, 0, 0);
  write(1, 1);
  reading.ended(false);
  EXPECT_TRUE(found.passed()) << found.first().front();
}

TEST_F(keys_checked, WhoReadsForLongMayMissATombstone) {
  write(0, 0);
  remove(1);
  key_ledger::pass reading(keys);
  see(reading, 0, 0);
  reading.ended(false, {}, false);
  EXPECT_TRUE(found.passed()) << found.first().front();
}

TEST_F(keys_checked, ReportsALostValueHoweverLongItWasReadFor) {
  write(0, 0);
  write(1, 1);
  key_ledger::pass reading(keys);
  see(reading, 0, 0);
  reading.ended(false, {}, false);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("but w/1/ was acknowledged later, at offset 1")));
}

TEST_F(keys_checked, ReportsALostKey) {
  write(0, 0);
  key_ledger::pass(keys).ended(false);
  EXPECT_THAT(found.first(), ElementsAre("a: w/0/, acknowledged at offset 0, has gone"));
}

TEST_F(keys_checked, ReportsAnOlderValueThanTheLast) {
  write(0, 0);
  write(1, 1);
  key_ledger::pass reading(keys);
  see(reading, 0, 0);
  reading.ended(false);
  EXPECT_THAT(found.first(), ElementsAre("a: w/0/ is there (offset 0), but w/1/ was acknowledged later, at offset 1"));
}

TEST_F(keys_checked, ReportsAValueThatOutlivesItsTombstone) {
  write(0, 0);
  remove(1);
  key_ledger::pass reading(keys);
  see(reading, 0, 0);
  reading.ended(false);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("but a tombstone was acknowledged later, at offset 1")));
}

TEST_F(keys_checked, ReportsAnotherValueAtTheSameOffset) {
  keys.sending("a", value(0));
  write(1, 5);
  key_ledger::pass reading(keys);
  see(reading, 0, 5);
  reading.ended(false);
  EXPECT_THAT(found.first(), ElementsAre("a: offset 5 has w/0/, where w/1/ was acknowledged"));
}

TEST_F(keys_checked, ReportsAnOffsetThatChanges) {
  keys.sending("a", value(0));
  keys.sending("a", value(1));
  key_ledger::pass first(keys);
  see(first, 0, 5);
  key_ledger::pass second(keys);
  see(second, 1, 5);
  EXPECT_THAT(found.first(), ElementsAre("offset 5 was read as a=w/0/ and now as a=w/1/"));
}

TEST_F(keys_checked, ReportsOffsetsThatFall) {
  write(0, 0);
  write(1, 1);
  key_ledger::pass reading(keys);
  see(reading, 1, 1);
  reading.saw(offset(0), "b", std::nullopt);
  EXPECT_THAT(found.first(), ElementsAre("b: offset 0 was read behind 1"));
}

TEST_F(keys_checked, ReportsValuesOutOfTheirOrder) {
  keys.sending("a", value(0));
  keys.sending("a", value(1));
  key_ledger::pass reading(keys);
  see(reading, 1, 0);
  see(reading, 0, 1);
  EXPECT_THAT(found.first(), ElementsAre("a: w/0/ follows w/1/ (offset 1)"));
}

TEST_F(keys_checked, ReportsARecordThatIsThereTwice) {
  write(0, 0);
  key_ledger::pass first(keys);
  see(first, 0, 0);
  key_ledger::pass second(keys);
  see(second, 0, 7);
  EXPECT_THAT(found.first(), ElementsAre("a: w/0/ is there at offsets 0 and 7"));
}

TEST_F(keys_checked, ReportsWhatNobodySent) {
  key_ledger::pass reading(keys);
  see(reading, 9, 0);
  EXPECT_THAT(found.first(), ElementsAre("a: nobody sent w/9/ (offset 0)"));
}

TEST_F(keys_checked, ReportsATombstoneThatStays) {
  remove(0);
  key_ledger::pass reading(keys);
  reading.saw(offset(0), "a", std::nullopt);
  reading.ended(true);
  EXPECT_THAT(found.first(), ElementsAre("a: a tombstone is still there (offset 0)"));
}

TEST_F(keys_checked, ReportsAKeyThatIsNotCompacted) {
  write(0, 0);
  write(1, 1);
  key_ledger::pass reading(keys);
  see(reading, 0, 0);
  see(reading, 1, 1);
  reading.ended(true);
  EXPECT_THAT(found.first(), ElementsAre("a: 2 records are there after compaction"));
}

TEST_F(keys_checked, ReportsAnAcknowledgementBelowTheOneBefore) {
  write(0, 5);
  write(1, 4);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("w/1/ was acknowledged at offset 4, the record before it at 5")));
}

}  // namespace
}  // namespace moldau::scenarios
