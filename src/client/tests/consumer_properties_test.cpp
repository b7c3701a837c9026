#include <gtest/gtest.h>

#include "moldau/client/consumer.hpp"

namespace moldau::client {
namespace {

TEST(ConsumerProperties, AreTakenByKafkasNames) {
  const auto got = consumer_options::from_properties(
      {{"bootstrap.servers", "a:1"},
       {"group.id", "g"},
       {"group.instance.id", "i"},
       {"partition.assignment.strategy", "org.apache.kafka.clients.consumer.StickyAssignor, range"},
       {"auto.offset.reset", "by_duration:PT1H"},
       {"max.poll.records", "500"},
       {"check.crcs", "false"},
       {"allow.auto.create.topics", "false"},
       {"exclude.internal.topics", "false"},
       {"client.rack", "r"},
       {"isolation.level", "read_committed"}});
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->assignors.size(), 2U);
  EXPECT_EQ(got->assignors[0]->name(), "sticky");
  EXPECT_EQ(got->assignors[1]->name(), "range");
  EXPECT_EQ(got->offset_reset, offset_reset::by_duration);
  EXPECT_EQ(got->offset_reset_duration_ms, 3'600'000);
  EXPECT_EQ(got->poll_records_max, 500U);
  EXPECT_FALSE(got->check_crcs);
  EXPECT_FALSE(got->allow_auto_create_topics);
  EXPECT_FALSE(got->exclude_internal_topics);
  EXPECT_EQ(got->rack, "r");
  EXPECT_EQ(got->isolation, isolation::read_committed);
}

TEST(ConsumerProperties, AllMistakesAreToldAtOnce) {
  const auto got = consumer_options::from_properties({{"bootstrap.servers", "a:1"},
                                                      {"auto.offset.reset", "by_duration:1h"},
                                                      {"partition.assignment.strategy", "org.example.Mine"},
                                                      {"group.protocol", "consumer"},
                                                      {"max.poll.records", "0"}});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::invalid_argument);
  for (const char* name :
       {"auto.offset.reset", "partition.assignment.strategy", "group.protocol", "max.poll.records"}) {
    EXPECT_NE(got.error().message.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace moldau::client
