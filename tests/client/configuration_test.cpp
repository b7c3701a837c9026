#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moldau/client/admin.hpp"
#include "moldau/client/group_member.hpp"
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

class no_work final : public group_work {
 public:
  std::vector<group_protocol> protocols() override { return {}; }
  result<std::map<std::string, shared_bytes>> lead(const std::string&, const std::vector<group_peer>&) override {
    return std::map<std::string, shared_bytes>();
  }
  result<void> joined(const group_part&) override { return {}; }
};

TEST(ClientConfiguration, AClientWithoutServersIsRefused) {
  EXPECT_FALSE(producer::make({}));
  EXPECT_FALSE(consumer::make({.group_id = "g"}));
  EXPECT_FALSE(admin::make({}));
  EXPECT_FALSE(group_member::make({.group_id = "g", .protocol_type = "t"}, std::make_shared<no_work>()));
}

/// Whatever is made, it says all that is wrong, what clients have in common and what is its own.
TEST(ClientConfiguration, EveryMakeTellsAllMistakesAtOnce) {
  const client_options wrong{.bootstrap_servers = {"localhost", "localhost:x"},
                             .request_timeout_ms = 0,
                             .reconnect_backoff_ms = -1,
                             .statistics_interval_ms = -1};
  const auto names_all = [](const error& of, std::vector<std::string> own) {
    own.insert(own.end(), {"'localhost'", "'localhost:x'", "request.timeout.ms", "reconnect.backoff.ms",
                           "statistics.interval.ms"});
    EXPECT_EQ(of.code, errc::invalid_argument);
    for (const std::string& name : own) EXPECT_THAT(of.message, HasSubstr(name));
  };
  const auto p = producer::make({.client = wrong, .batch_bytes = std::size_t{2} << 30U, .in_flight_max = 0});
  ASSERT_FALSE(p);
  names_all(p.error(), {"batch.size", "max.in.flight.requests.per.connection"});
  const auto c = consumer::make({.client = wrong,
                                 .group_id = "",
                                 .assignors = {range_assignor(), range_assignor()},
                                 .auto_commit_interval_ms = -1,
                                 .session_timeout_ms = 10,
                                 .heartbeat_interval_ms = 10,
                                 .max_poll_interval_ms = 0,
                                 .fetch_max_wait_ms = -1,
                                 .partition_fetch_max_bytes = 0,
                                 .prefetch_bytes_max = 0});
  ASSERT_FALSE(c);
  names_all(c.error(),
            {"group.id", "partition.assignment.strategy", "auto.commit.interval.ms", "session.timeout.ms",
             "max.poll.interval.ms", "fetch.max.wait.ms", "max.partition.fetch.bytes", "prefetch_bytes_max"});
  const auto a = admin::make(wrong);
  ASSERT_FALSE(a);
  names_all(a.error(), {});
  const auto m = group_member::make({.client = wrong, .session_timeout_ms = 1}, nullptr);
  ASSERT_FALSE(m);
  names_all(m.error(), {"group.id", "protocol type", "work", "heartbeat.interval.ms"});
}

TEST(ClientConfiguration, APropertyThatNobodyKnowsComesWithTheNearestName) {
  const auto near = [](const auto& read, std::string_view name) {
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, HasSubstr(std::string("did you mean ") + std::string(name)));
  };
  near(producer_options::from_properties({{"bootstrap.servers", "h:1"}, {"lingr.ms", "5"}}), "linger.ms");
  near(consumer_options::from_properties({{"bootstrap.servers", "h:1"}, {"auto.offset.rest", "latest"}}),
       "auto.offset.reset");
  near(client_options::from_properties({{"bootstrap.server", "h:1"}}), "bootstrap.servers");
}

}  // namespace
}  // namespace moldau::client
