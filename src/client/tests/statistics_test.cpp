#include "moldau/client/statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace moldau::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

statistics example(std::string kind) {
  return {.client_id = "a\"b\\c",
          .kind = std::move(kind),
          .brokers = {{.address = "h:1", .id = broker_id(3), .is_connected = true, .requests = 12}},
          .partitions = {{.partition = {"t", partition_id(2)}, .sent_records = 5, .lag = 40}},
          .delivery_time = {.count = 5, .total_us = 1'500'000}};
}

TEST(Statistics, ArePrometheusTextWithQuotedLabels) {
  const std::string text = to_prometheus(example("producer"));
  EXPECT_THAT(text, HasSubstr("# TYPE moldau_client_broker_requests_total counter\n"));
  EXPECT_THAT(text, HasSubstr("moldau_client_broker_requests_total{client_id=\"a\\\"b\\\\c\",kind=\"producer\","
                              "broker=\"h:1\",id=\"3\"} 12\n"));
  EXPECT_THAT(text, HasSubstr("topic=\"t\",partition=\"2\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("moldau_client_producer_delivery_seconds_total{client_id=\"a\\\"b\\\\c\","
                              "kind=\"producer\"} 1.5\n"));
}

TEST(Statistics, ShowWhatIsTheKindsOwn) {
  EXPECT_THAT(to_prometheus(example("producer")), Not(HasSubstr("consumer_lag")));
  EXPECT_THAT(to_prometheus(example("consumer")), HasSubstr("consumer_lag{"));
  EXPECT_THAT(to_prometheus(example("admin")), Not(HasSubstr("producer_")));
}

TEST(Statistics, NameEverySeriesOnceAndDescribeIt) {
  for (const char* kind : {"producer", "consumer", "admin"}) {
    std::istringstream lines(to_prometheus(example(kind)));
    std::set<std::string> described;
    std::string line;
    while (std::getline(lines, line)) {
      if (line.starts_with("# HELP ")) {
        EXPECT_TRUE(described.insert(line.substr(7, line.find(' ', 7) - 7)).second) << line;
      } else if (!line.starts_with('#')) {
        EXPECT_TRUE(described.contains(line.substr(0, line.find('{')))) << line;
      }
    }
  }
}

}  // namespace
}  // namespace moldau::client
