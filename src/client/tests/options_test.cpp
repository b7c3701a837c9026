#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/property_reader.hpp"
#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ClientOptions, AreReadFromKafkasNames) {
  const auto read = client_options::from_properties({{"bootstrap.servers", "a:1, b:2"},
                                                     {"reconnect.backoff.ms", "7"},
                                                     {"reconnect.backoff.max.ms", "8"},
                                                     {"connections.max.idle.ms", "-1"},
                                                     {"send.buffer.bytes", "4096"},
                                                     {"metadata.recovery.strategy", "none"},
                                                     {"metadata.recovery.rebootstrap.trigger.ms", "9"},
                                                     {"client.dns.lookup", "use_all_dns_ips"},
                                                     {"security.protocol", "PLAINTEXT"}});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->bootstrap_servers, ElementsAre("a:1", "b:2"));
  EXPECT_EQ(read->reconnect_backoff_ms, 7);
  EXPECT_EQ(read->reconnect_backoff_max_ms, 8);
  EXPECT_EQ(read->connections_idle_max_ms, -1);
  EXPECT_EQ(read->send_buffer_bytes, 4096);
  EXPECT_EQ(read->metadata_recovery, metadata_recovery::none);
  EXPECT_EQ(read->rebootstrap_trigger_ms, 9);
}

TEST(ClientOptions, AllMistakesAreToldAtOnce) {
  const auto read = client_options::from_properties({{"bootstrap.servers", "a:1"},
                                                     {"request.timeout.ms", "soon"},
                                                     {"retry.backoff.ms", "-5"},
                                                     {"metadata.recovery.strategy", "pray"},
                                                     {"boostrap.servers", "b:1"}});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::invalid_argument);
  EXPECT_FALSE(read.error().retriable());
  EXPECT_EQ(read.error().message,
            "request.timeout.ms=soon: must be a whole number\n"
            "retry.backoff.ms=-5: must be 0 or more\n"
            "metadata.recovery.strategy=pray: must be one of none, rebootstrap\n"
            "boostrap.servers: there is no such property; did you mean bootstrap.servers?");
}

TEST(ClientOptions, WhatAsksForSafetyThatIsntBuiltIsRefused) {
  for (const char* asked : {"SSL", "SASL_SSL", "SASL_PLAINTEXT"}) {
    const auto read = client_options::from_properties({{"bootstrap.servers", "a:1"}, {"security.protocol", asked}});
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, HasSubstr("isn't built yet"));
  }
}

TEST(ClientOptions, PropertiesOfOtherClientsAreLeftAloneAndJavasClassesAreNamed) {
  const auto read = client_options::from_properties(
      {{"bootstrap.servers", "a:1"}, {"linger.ms", "7"}, {"group.id", "g"}, {"metric.reporters", "x.Y"}});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->ignored_properties, ElementsAre("metric.reporters"));
}

TEST(ProducerOptions, TellAWrongNameOfTheirOwn) {
  const auto read = producer_options::from_properties({{"bootstrap.servers", "a:1"}, {"liger.ms", "7"}});
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("linger.ms?"));
}

TEST(ConsumerOptions, TellAWrongNameOfTheirOwn) {
  const auto read = consumer_options::from_properties({{"bootstrap.servers", "a:1"}, {"groupid", "7"}});
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("group.id?"));
}

TEST(ClientOptions, ThoseMadeByHandAreCheckedWhole) {
  const auto checked = check({.bootstrap_servers = {"nonsense", "a:70000"}, .request_timeout_ms = 0});
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("'nonsense'"));
  EXPECT_THAT(checked.error().message, HasSubstr("'a:70000'"));
  EXPECT_THAT(checked.error().message, HasSubstr("request.timeout.ms"));
  EXPECT_TRUE(check({.bootstrap_servers = {"a:1"}}));
}

}  // namespace
}  // namespace moldau::client
