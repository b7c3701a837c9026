#include "client/iso_duration.hpp"

#include <gtest/gtest.h>

namespace moldau::client {
namespace {

TEST(IsoDuration, ReadsWhatJavaReads) {
  EXPECT_EQ(parse_iso_duration_ms("PT1H"), 3'600'000);
  EXPECT_EQ(parse_iso_duration_ms("P2DT3H4M5.5S"), 2 * 86'400'000LL + 3 * 3'600'000 + 4 * 60'000 + 5'500);
  EXPECT_EQ(parse_iso_duration_ms("pt0.05s"), 50);
  EXPECT_EQ(parse_iso_duration_ms("P1D"), 86'400'000);
  EXPECT_EQ(parse_iso_duration_ms("PT0S"), 0);
}

TEST(IsoDuration, RefusesEverythingElse) {
  for (const char* text : {"", "P", "PT", "1H", "PT1", "P1H", "PT1D", "PT1M1H", "PT1H1H", "PT-1H", "PT1.5H", "P1DT",
                           "PT1H ", "PT99999999999999999999S", "PT9223372036854775807H"}) {
    EXPECT_EQ(parse_iso_duration_ms(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace moldau::client
