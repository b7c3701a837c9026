#include "config/property_parser.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace moldau::config {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

pairs parsed(std::string_view text) {
  pairs out;
  for (const auto& p : parse_properties(text).properties) out.emplace_back(p.key, p.value);
  return out;
}

TEST(PropertyParser, TakesEqualsColonAndBlankAsSeparators) {
  EXPECT_EQ(parsed("a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf  =  : 6"),
            (pairs{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}, {"f", ": 6"}}));
}

TEST(PropertyParser, LeavesOutAByteOrderMark) {
  EXPECT_EQ(parsed("\xEF\xBB\xBF"
                   "a=1"),
            (pairs{{"a", "1"}}));
}

TEST(PropertyParser, LeavesOutCommentsAndBlankLines) {
  EXPECT_EQ(parsed("# a=1\n  ! b=2\n\n \t\f\nc=3 # not a comment"), (pairs{{"c", "3 # not a comment"}}));
}

TEST(PropertyParser, JoinsContinuedLinesWithoutTheirIndent) {
  EXPECT_EQ(parsed("a=1,\\\n   2,\\\r\n\t3\nb=4"), (pairs{{"a", "1,2,3"}, {"b", "4"}}));
}

TEST(PropertyParser, KeepsALineThatEndsInAnEscapedBackslash) {
  EXPECT_EQ(parsed("a=C:\\\\\nb=2"), (pairs{{"a", "C:\\"}, {"b", "2"}}));
}

TEST(PropertyParser, DoesNotContinueAComment) {
  EXPECT_EQ(parsed("# a \\\nb=2"), (pairs{{"b", "2"}}));
}

TEST(PropertyParser, UnescapesKeysAndValues) {
  EXPECT_EQ(parsed("a\\ b\\=c\\:d=\\t\\n\\r\\f\\q\\\\"), (pairs{{"a b=c:d", "\t\n\r\fq\\"}}));
}

TEST(PropertyParser, ReadsUnicodeEscapesWithSurrogates) {
  EXPECT_EQ(parsed("a=gr\\u00fc\\u00DFe \\uD83D\\uDE00"), (pairs{{"a",
                                                                  "gr\xC3\xBC\xC3\x9F"
                                                                  "e \xF0\x9F\x98\x80"}}));
}

TEST(PropertyParser, KeepsUtf8AndConvertsLatin1) {
  EXPECT_EQ(parsed("a=\xC3\xBC"), (pairs{{"a", "\xC3\xBC"}}));
  EXPECT_EQ(parsed("a=\xFC"), (pairs{{"a", "\xC3\xBC"}}));
}

TEST(PropertyParser, KeepsTrailingBlanksOfAValue) {
  EXPECT_EQ(parsed("a= 1  "), (pairs{{"a", "1  "}}));
}

TEST(PropertyParser, TakesAKeyAlone) {
  EXPECT_EQ(parsed("a\nb="), (pairs{{"a", ""}, {"b", ""}}));
}

TEST(PropertyParser, EndsAtABackslashThatContinuesNothing) {
  EXPECT_EQ(parsed("a=1\\"), (pairs{{"a", "1"}}));
}

TEST(PropertyParser, CountsNaturalLines) {
  const auto out = parse_properties("# one\na=1,\\\n 2\n\nb=3\r\nc=4\rd=5");
  ASSERT_EQ(out.properties.size(), 4U);
  EXPECT_EQ(out.properties[0].line, 2U);
  EXPECT_EQ(out.properties[1].line, 5U);
  EXPECT_EQ(out.properties[2].line, 6U);
  EXPECT_EQ(out.properties[3].line, 7U);
}

TEST(PropertyParser, ReportsBrokenUnicodeEscapesAndGoesOn) {
  const auto out = parse_properties("a=\\u12\nb=2\nc\\u00zz=3\n");
  ASSERT_EQ(out.mistakes.size(), 2U);
  EXPECT_EQ(out.mistakes[0].line, 1U);
  EXPECT_EQ(out.mistakes[1].line, 3U);
  ASSERT_EQ(out.properties.size(), 1U);
  EXPECT_EQ(out.properties[0].key, "b");
}

}  // namespace
}  // namespace moldau::config
