#include "tests/sim/topic_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moldau::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr topic_id first_id({std::byte{1}});
constexpr topic_id second_id({std::byte{2}});

class topics_checked : public ::testing::Test {
 protected:
  verdict found;
  topic_ledger topics{found};
};

TEST_F(topics_checked, ATopicThatStaysIsFine) {
  topics.created("a", first_id);
  topics.told("a", first_id);
  topics.written("a", offset(0));
  topics.written("a", offset(1));
  topics.deleted("a");
  topics.told("a", std::nullopt);
  topics.created("a", second_id);
  topics.written("a", offset(0));
  EXPECT_TRUE(found.passed());
}

TEST_F(topics_checked, ReportsATopicThatIsLost) {
  topics.created("a", first_id);
  topics.told("a", std::nullopt);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("has gone")));
}

TEST_F(topics_checked, ReportsATopicThatComesBack) {
  topics.created("a", first_id);
  topics.deleted("a");
  topics.told("a", first_id);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("after its deletion")));
}

TEST_F(topics_checked, ReportsATopicThatChangesItsId) {
  topics.created("a", first_id);
  topics.told("a", second_id);
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("changed its id")));
}

TEST_F(topics_checked, KnowsNothingWhileAChangeIsUnderWay) {
  topics.created("a", first_id);
  topics.changing("a");
  EXPECT_FALSE(topics.is_there("a"));
  topics.told("a", std::nullopt);
  EXPECT_EQ(topics.is_there("a"), false);
  EXPECT_TRUE(found.passed());
}

TEST_F(topics_checked, ReportsANewTopicWithRecordsOfAnOlderOne) {
  topics.created("a", first_id);
  topics.written("a", offset(0));
  topics.deleted("a");
  topics.created("a", second_id);
  topics.written("a", offset(1));
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("ends at 1, though 0 records")));
}

TEST_F(topics_checked, ReportsALostRecord) {
  topics.created("a", first_id);
  topics.written("a", offset(0));
  topics.written("a", offset(0));
  EXPECT_THAT(found.first(), ElementsAre(HasSubstr("ends at 0, though 1 records")));
}

TEST_F(topics_checked, WhatARefusedWriteHeldMayBeThere) {
  topics.created("a", first_id);
  topics.write_failed("a");
  topics.written("a", offset(1));
  topics.written("a", offset(2));
  EXPECT_TRUE(found.passed());
}

}  // namespace
}  // namespace moldau::scenarios
