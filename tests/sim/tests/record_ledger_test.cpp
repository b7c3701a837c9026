#include "tests/sim/record_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moldau::scenarios {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A partition with records of one producer, "p/<number>/", in the order of their numbers unless a test says otherwise.
class records_checked : public ::testing::Test {
 protected:
  static std::string value(std::int64_t number) { return origin::write("p", number, ""); }
  void acknowledge(std::int64_t number, std::int64_t at, promise how = promise::durable) {
    records.acknowledged(of, value(number), offset(at), how, records.life());
  }
  void see(std::int64_t number, std::int64_t at) { records.saw(of, offset(at), value(number)); }
  void read_all(std::int64_t from, std::int64_t to) { records.all_was_read(of, offset(from), offset(to)); }
  void told(std::int64_t log_start, std::int64_t high_watermark) {
    records.saw_bounds("c", records.life(), of, offset(log_start), offset(high_watermark));
  }

  const topic_partition of{"t", partition_id(0)};
  verdict found;
  record_ledger records{found};
};

TEST_F(records_checked, WhatIsThereInOrderOnceIsFine) {
  records.in_order("p");
  for (int i = 0; i < 3; ++i) acknowledge(i, i);
  told(0, 3);
  for (int i = 0; i < 3; ++i) see(i, i);
  see(1, 1);
  read_all(0, 3);
  EXPECT_TRUE(found.passed()) << found.first().front();
  EXPECT_EQ(records.acknowledged_count(), 3U);
}

TEST_F(records_checked, ReportsALossAtTheEnd) {
  acknowledge(0, 0);
  acknowledge(1, 1);
  see(0, 0);
  read_all(0, 1);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("p/1/ was acknowledged with acks=all at offset 1, where there is "
                                                   "nothing")));
}

TEST_F(records_checked, ReportsALossInTheMiddle) {
  see(0, 0);
  see(2, 2);
  read_all(0, 3);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("offsets 1 to 2 are missing")));
}

TEST_F(records_checked, ReportsALossBelowTheHighWatermark) {
  see(0, 0);
  read_all(0, 2);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("offsets 1 to 2 are missing")));
}

TEST_F(records_checked, ReportsALossOfWhatWasReadOnly) {
  see(0, 0);
  see(1, 1);
  read_all(0, 1);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("offset 1 was read, but the log ends at 1")));
}

TEST_F(records_checked, ReportsALossOfALeaderThatBeganAnew) {
  acknowledge(0, 0);
  see(1, 0);
  read_all(0, 1);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("at offset 0, where there is p/1/")));
}

TEST_F(records_checked, ReportsADuplicate) {
  see(0, 0);
  see(0, 1);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("p/0/ is there twice, at offsets 0 and 1")));
}

TEST_F(records_checked, ReportsAReorder) {
  records.in_order("p");
  see(0, 0);
  see(2, 1);
  see(1, 2);
  read_all(0, 3);
  EXPECT_THAT(found.first(), Contains(HasSubstr("p/2/ follows number 0 of its producer")));
}

TEST_F(records_checked, ReportsAGapOfAProducer) {
  records.in_order("p");
  see(0, 0);
  see(2, 1);
  read_all(0, 2);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("p/2/ follows number 0 of its producer")));
}

TEST_F(records_checked, ReportsAProducersLostBeginning) {
  records.in_order("p");
  see(1, 0);
  read_all(0, 1);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("p/1/ follows number -1")));
}

TEST_F(records_checked, ReportsAnOffsetThatIsGivenTwice) {
  acknowledge(0, 0);
  acknowledge(1, 0);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("offset 0 was acknowledged for p/0/ and for p/1/")));
}

TEST_F(records_checked, ReportsAnOffsetThatIsReadDifferently) {
  see(0, 0);
  see(1, 0);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("offset 0 was read as p/0/ and now as p/1/")));
}

TEST_F(records_checked, ReportsAnAcknowledgementWithAWrongOffset) {
  see(0, 0);
  see(1, 1);
  acknowledge(0, 1);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("where p/1/ had been read"), HasSubstr("but had been read at 0")));
}

TEST_F(records_checked, ReportsWhatNobodySent) {
  records.saw(of, offset(0), "garbage");
  read_all(0, 1);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("nobody sent garbage")));
}

TEST_F(records_checked, ReportsBoundsThatGoBack) {
  records.may_expire(of);
  told(2, 5);
  told(1, 4);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("high watermark went back from 5 to 4"),
                                         HasSubstr("log start went back from 2 to 1")));
}

TEST_F(records_checked, ReportsAStartThatMovesWhereNothingMayGo) {
  told(1, 5);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("starts at 1, though nothing may go")));
}

TEST_F(records_checked, OnlyWhatLiesBelowTheStartMayExpire) {
  records.may_expire(of);
  records.in_order("p");
  for (int i = 0; i < 4; ++i) acknowledge(i, i);
  told(2, 4);
  see(2, 2);
  read_all(2, 3);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("p/3/ was acknowledged with acks=all at offset 3")));
}

TEST_F(records_checked, APowerCutTakesWhatIsMerelyWritten) {
  acknowledge(0, 0, promise::written);
  records.power_was_cut();
  read_all(0, 0);
  EXPECT_TRUE(found.passed());
}

TEST_F(records_checked, APowerCutTakesNothingThatWasRead) {
  acknowledge(0, 0, promise::written);
  see(0, 0);
  records.power_was_cut();
  read_all(0, 0);
  EXPECT_THAT(found.first(), Contains(HasSubstr("offset 0 was read, but the log ends at 0")));
}

TEST_F(records_checked, AKillTakesNothingThatWasWritten) {
  acknowledge(0, 0, promise::written);
  records.process_ended();
  read_all(0, 0);
  EXPECT_FALSE(found.passed());
}

TEST_F(records_checked, AnAnswerThatIsOlderThanAPowerCutPromisesNothing) {
  const auto life = records.life();
  records.power_was_cut();
  records.acknowledged(of, value(0), offset(0), promise::written, life);
  see(1, 0);
  read_all(0, 1);
  EXPECT_TRUE(found.passed());
}

TEST_F(records_checked, AnAnswerThatIsOlderThanAPowerCutPromisesWhatIsDurable) {
  const auto life = records.life();
  records.power_was_cut();
  records.acknowledged(of, value(0), offset(0), promise::durable, life);
  read_all(0, 0);
  EXPECT_FALSE(found.passed());
}

TEST_F(records_checked, DeleteRecordsMayTakeWhatItWasAskedForAndNoMore) {
  for (int i = 0; i < 4; ++i) acknowledge(i, i);
  records.may_go(of, offset(2));
  records.went("d", records.life(), of, offset(2), offset(2));
  told(2, 4);
  see(2, 2);
  see(3, 3);
  read_all(2, 4);
  EXPECT_TRUE(found.passed()) << found.first().front();
  told(3, 4);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("starts at 3, though only what is below 2 may go")));
}

TEST_F(records_checked, ReportsThatDeleteRecordsTookTooLittle) {
  records.may_go(of, offset(2));
  records.went("d", records.life(), of, offset(2), offset(1));
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("DeleteRecords below 2 was answered with 1")));
}

TEST_F(records_checked, ReportsThatDeletedRecordsComeBackWithinALife) {
  records.may_go(of, offset(2));
  const auto life = records.life();
  records.went("d", life, of, offset(2), offset(2));
  records.process_ended();
  // A start that no disk knew of may be forgotten.
  records.saw_start("d", records.life(), of, offset(1));
  EXPECT_TRUE(found.passed()) << found.first().front();
  records.saw_start("d", records.life(), of, offset(0));
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("the log start went back from 1 to 0")));
}

/// With `log.flush.ack=false`.
class unsynced_records_checked : public records_checked {
 protected:
  unsynced_records_checked() { unsynced.in_order("p"); }
  void write(std::int64_t number, std::int64_t at) {
    unsynced.acknowledged(of, value(number), offset(at), promise::durable, unsynced.life());
  }
  void read(std::int64_t number, std::int64_t at) { unsynced.saw(of, offset(at), value(number)); }

  record_ledger unsynced{found, false};
};

TEST_F(unsynced_records_checked, APowerCutMayTakeTheEndOfWhatWasAcknowledgedAndRead) {
  for (int i = 0; i < 4; ++i) write(i, i);
  for (int i = 0; i < 4; ++i) read(i, i);
  const auto life = unsynced.life();
  unsynced.saw_bounds("c", life, of, offset(0), offset(4));
  unsynced.power_was_cut();
  EXPECT_TRUE(unsynced.may_be_gone(life));
  EXPECT_FALSE(unsynced.may_be_gone(unsynced.life()));
  unsynced.saw_bounds("c", unsynced.life(), of, offset(0), offset(2));
  read(0, 0);
  read(4, 1);
  unsynced.all_was_read(of, offset(0), offset(2));
  EXPECT_TRUE(found.passed()) << found.first().front();
}

TEST_F(unsynced_records_checked, AKillTakesNothing) {
  write(0, 0);
  read(0, 0);
  write(1, 1);
  unsynced.process_ended();
  unsynced.all_was_read(of, offset(0), offset(1));
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("p/1/ was acknowledged with acks=all at offset 1")));
}

TEST_F(unsynced_records_checked, APowerCutTakesNothingThatWasThereAtACleanStop) {
  write(0, 0);
  unsynced.stopped();
  write(1, 1);
  unsynced.power_was_cut();
  unsynced.all_was_read(of, offset(0), offset(0));
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("p/0/ was acknowledged with acks=all at offset 0")));
}

TEST_F(unsynced_records_checked, ReportsAGapAfterAPowerCut) {
  unsynced.power_was_cut();
  read(0, 0);
  read(1, 2);
  unsynced.all_was_read(of, offset(0), offset(3));
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("offsets 1 to 2 are missing")));
}

TEST_F(unsynced_records_checked, ReportsWrongOrderAfterAPowerCut) {
  unsynced.power_was_cut();
  read(1, 0);
  read(0, 1);
  unsynced.all_was_read(of, offset(0), offset(2));
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("p/0/ follows number 1")));
}

TEST_F(unsynced_records_checked, ReportsADuplicateAfterAPowerCut) {
  unsynced.power_was_cut();
  read(0, 0);
  read(0, 1);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("is there twice, at offsets 0 and 1")));
}

TEST_F(unsynced_records_checked, ReportsAMissingNumberWithoutAPowerCut) {
  read(0, 0);
  read(2, 1);
  unsynced.all_was_read(of, offset(0), offset(2));
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("p/2/ follows number 0")));
}

}  // namespace
}  // namespace moldau::scenarios
