#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/playground.hpp"

namespace moldau::client {
namespace {

using ::testing::HasSubstr;

TEST(ClientConfiguration, AllMistakesOfAProducerAreToldAtOnce) {
  const auto wrong = producer_options::from_properties({{"bootstrap.servers", "localhost"},
                                                        {"acks", "some"},
                                                        {"linger.ms", "soon"},
                                                        {"compression.type", "rar"},
                                                        {"batch.size", "-7"}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, errc::invalid_argument);
  for (const auto* name : {"bootstrap.servers", "acks", "linger.ms", "compression.type", "batch.size"}) {
    EXPECT_THAT(wrong.error().message, HasSubstr(name));
  }
}

TEST(ClientConfiguration, AllMistakesOfAConsumerAreToldAtOnce) {
  const auto wrong = consumer_options::from_properties({{"bootstrap.servers", "localhost:9092"},
                                                        {"auto.offset.reset", "middle"},
                                                        {"session.timeout.ms", "x"},
                                                        {"isolation.level", "strict"}});
  ASSERT_FALSE(wrong);
  for (const auto* name : {"auto.offset.reset", "session.timeout.ms", "isolation.level"}) {
    EXPECT_THAT(wrong.error().message, HasSubstr(name));
  }
}

TEST(ClientConfiguration, IdempotenceWithoutAllAcknowledgementsIsRefused) {
  const auto made = producer::make({.client = {.bootstrap_servers = {"localhost:9092"}}, .acks = acks::leader});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, errc::invalid_argument);
  EXPECT_NE(made.error().message, "");
}

TEST(ClientConfiguration, AClientWithoutServersIsRefused) {
  EXPECT_FALSE(producer::make({}));
  EXPECT_FALSE(consumer::make({.group_id = "g"}));
}

}  // namespace
}  // namespace moldau::client
