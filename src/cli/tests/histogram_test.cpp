#include "cli/histogram.hpp"

#include <gtest/gtest.h>

namespace moldau::cli {
namespace {

TEST(Histogram, SmallValuesAreExact) {
  histogram h;
  for (int i = 1; i <= 100; ++i) h.add(i);
  EXPECT_EQ(h.percentile_ns(50), 50);
  EXPECT_EQ(h.percentile_ns(99), 99);
  EXPECT_EQ(h.percentile_ns(100), 100);
  EXPECT_DOUBLE_EQ(h.mean_ns(), 50.5);
}

TEST(Histogram, LargeValuesAreExactToASixtyFourth) {
  histogram h;
  for (std::int64_t i = 1; i <= 100'000; ++i) h.add(i * 1'000);
  for (const double percent : {1.0, 50.0, 95.0, 99.0, 99.9}) {
    const double exact = percent * 1'000'000;
    EXPECT_GE(static_cast<double>(h.percentile_ns(percent)), exact);
    EXPECT_LE(static_cast<double>(h.percentile_ns(percent)), exact * (1 + 1.0 / 64));
  }
}

TEST(Histogram, MaximumIsExact) {
  histogram h;
  h.add(1'234'567'891);
  EXPECT_EQ(h.max_ns(), 1'234'567'891);
  EXPECT_EQ(h.percentile_ns(50), 1'234'567'891);
}

TEST(Histogram, TakesTheLargestAndNegativeValues) {
  histogram h;
  h.add(INT64_MAX);
  h.add(-5);
  EXPECT_EQ(h.percentile_ns(50), 0);
  EXPECT_EQ(h.percentile_ns(100), INT64_MAX);
}

TEST(Histogram, NothingGivesZero) {
  EXPECT_EQ(histogram().percentile_ns(99), 0);
  EXPECT_EQ(histogram().mean_ns(), 0);
}

}  // namespace
}  // namespace moldau::cli
