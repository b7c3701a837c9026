#include "base/metrics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/assert.hpp"

namespace moldau::base {
namespace {

TEST(Metrics, SumsThePartsOfAllCores) {
  metrics registry;
  auto first = registry.make_counter("records_total", "Records appended", {{"topic", "a"}});
  auto second = registry.make_counter("records_total", "Records appended", {{"topic", "a"}});
  auto other = registry.make_counter("records_total", "Records appended", {{"topic", "b"}});
  first->add(3);
  second->add();
  EXPECT_EQ(registry.text(),
            "# HELP records_total Records appended\n# TYPE records_total counter\n"
            "records_total{topic=\"a\"} 4\nrecords_total{topic=\"b\"} 0\n");
}

TEST(Metrics, DroppedSeriesIsNotPrinted) {
  metrics registry;
  auto kept = registry.make_gauge("open", "Open", {{"listener", "a"}});
  registry.make_gauge("open", "Open", {{"listener", "b"}}).reset();
  registry.make_gauge("gone", "Gone").reset();
  kept->set(2.5);
  kept->add(-1);
  EXPECT_EQ(registry.text(), "# HELP open Open\n# TYPE open gauge\nopen{listener=\"a\"} 1.5\n");
}

TEST(Metrics, HistogramBucketsAreCumulativeWithInclusiveBounds) {
  static constexpr std::array<double, 2> bounds{0.5, 2};
  metrics registry;
  auto one = registry.make_histogram("latency_seconds", "Latency", bounds, {{"request", "Fetch"}});
  auto two = registry.make_histogram("latency_seconds", "Latency", bounds, {{"request", "Fetch"}});
  one->observe(0.5);
  one->observe(0.6);
  two->observe(100);
  EXPECT_EQ(one->count(), 2U);
  EXPECT_EQ(registry.text(),
            "# HELP latency_seconds Latency\n# TYPE latency_seconds histogram\n"
            "latency_seconds_bucket{request=\"Fetch\",le=\"0.5\"} 1\n"
            "latency_seconds_bucket{request=\"Fetch\",le=\"2\"} 2\n"
            "latency_seconds_bucket{request=\"Fetch\",le=\"+Inf\"} 3\n"
            "latency_seconds_sum{request=\"Fetch\"} 101.1\n"
            "latency_seconds_count{request=\"Fetch\"} 3\n");
}

TEST(Metrics, HistogramWithoutLabelsHasNoStrayComma) {
  static constexpr std::array<double, 1> bounds{1};
  metrics registry;
  auto only = registry.make_histogram("h", "H", bounds);
  EXPECT_NE(registry.text().find("h_bucket{le=\"1\"} 0\n"), std::string::npos);
  EXPECT_NE(registry.text().find("\nh_count 0\n"), std::string::npos);
}

TEST(Metrics, EscapesHelpAndLabelValues) {
  metrics registry;
  auto made = registry.make_counter("c", "a\\b\n\"c\"", {{"l", "a\\b\n\"c\""}});
  EXPECT_EQ(registry.text(), "# HELP c a\\\\b\\n\"c\"\n# TYPE c counter\nc{l=\"a\\\\b\\n\\\"c\\\"\"} 0\n");
}

TEST(Metrics, PrintsInfinityAndNoNumberAsPrometheusReadsThem) {
  metrics registry;
  auto up = registry.make_gauge("a", "A");
  auto none = registry.make_gauge("b", "B");
  up->set(INFINITY);
  none->set(NAN);
  EXPECT_NE(registry.text().find("\na +Inf\n"), std::string::npos);
  EXPECT_NE(registry.text().find("\nb NaN\n"), std::string::npos);
}

TEST(Metrics, OneNameIsOfOneKind) {
  metrics registry;
  auto made = registry.make_counter("x", "X");
  EXPECT_THROW((void)registry.make_gauge("x", "X"), broken_invariant);
}

}  // namespace
}  // namespace moldau::base
