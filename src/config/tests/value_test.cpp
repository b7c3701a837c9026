#include "config/value.hpp"

#include <gtest/gtest.h>

namespace moldau::config {
namespace {

std::string refusal(std::string_view name, std::string_view text) {
  const definition* def = find_topic_definition(name);
  if (def == nullptr) def = find_broker_definition(name);
  const auto parsed = parse_value(*def, text);
  return parsed ? "accepted" : parsed.error().message;
}

definition of(value_type type) {
  return {"x", type, {}, {}, importance::low, update_mode::read_only, support::built, ""};
}

TEST(ParseValue, RefusesInTheWordsThatClientsKnow) {
  EXPECT_EQ(refusal("retention.ms", "abc"),
            "Invalid value abc for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(refusal("segment.bytes", "5000000000"),
            "Invalid value 5000000000 for configuration segment.bytes: Not a number of type INT");
  EXPECT_EQ(refusal("retention.ms", "-2"),
            "Invalid value -2 for configuration retention.ms: Value must be at least -1");
  EXPECT_EQ(refusal("min.cleanable.dirty.ratio", "1.5"),
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1");
  EXPECT_EQ(refusal("cleanup.policy", "delete,shred"),
            "Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete");
  EXPECT_EQ(refusal("compression.type", "brotli"),
            "Invalid value brotli for configuration compression.type: String must be one of: uncompressed, zstd, lz4, "
            "snappy, gzip, producer");
  EXPECT_EQ(refusal("preallocate", "maybe"),
            "Invalid value maybe for configuration preallocate: Expected value to be either true or false");
  EXPECT_EQ(refusal("compression.gzip.level", "0"),
            "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1");
}

TEST(ParseValue, TrimsAndIgnoresTheCaseOfBooleans) {
  EXPECT_EQ(parse_value(of(value_type::boolean), " TRUE ").value(), value(true));
  EXPECT_EQ(parse_value(of(value_type::int32), " +7\t").value(), value(std::int64_t{7}));
  EXPECT_EQ(parse_value(of(value_type::string), "  a b ").value(), value(std::string("a b")));
}

TEST(ParseValue, BoundsShortsAndInts) {
  EXPECT_TRUE(parse_value(of(value_type::int16), "32767"));
  EXPECT_FALSE(parse_value(of(value_type::int16), "32768"));
  EXPECT_FALSE(parse_value(of(value_type::int32), "2147483648"));
  EXPECT_TRUE(parse_value(of(value_type::int64), "9223372036854775807"));
  EXPECT_FALSE(parse_value(of(value_type::int64), "9223372036854775808"));
  EXPECT_FALSE(parse_value(of(value_type::int32), ""));
  EXPECT_FALSE(parse_value(of(value_type::int32), "+-7"));
}

TEST(ParseValue, CountsAListsEntryOnceAndRefusesEmptyOnes) {
  EXPECT_EQ(parse_value(of(value_type::list), "a , b,a").value(), value(std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse_value(of(value_type::list), " ").value(), value(std::vector<std::string>{}));
  EXPECT_EQ(parse_value(of(value_type::list), "a,,b").error().message, "Configuration 'x' values must not be empty.");
}

TEST(ParseValue, ChecksThrottledReplicas) {
  EXPECT_EQ(refusal("leader.replication.throttled.replicas", "*"), "accepted");
  EXPECT_EQ(refusal("leader.replication.throttled.replicas", "0:1,1:2"), "accepted");
  EXPECT_NE(refusal("leader.replication.throttled.replicas", "0-1"), "accepted");
}

TEST(ToText, PrintsDoublesAsJavaDoes) {
  EXPECT_EQ(to_text(0.5), "0.5");
  EXPECT_EQ(to_text(1.0), "1.0");
  EXPECT_EQ(to_text(0.001), "0.001");
  EXPECT_EQ(to_text(0.0001), "1.0E-4");
  EXPECT_EQ(to_text(1e7), "1.0E7");
  EXPECT_EQ(to_text(9999999.5), "9999999.5");
  EXPECT_EQ(to_text(1.25e10), "1.25E10");
  EXPECT_EQ(to_text(value()), std::nullopt);
}

TEST(Describe, PrintsRulesAsTheReferenceDoes) {
  EXPECT_EQ(describe(find_topic_definition("min.cleanable.dirty.ratio")->valid), "[0,...,1]");
  EXPECT_EQ(describe(find_topic_definition("flush.ms")->valid), "[0,...]");
  EXPECT_EQ(describe(find_topic_definition("cleanup.policy")->valid), "[compact, delete]");
}

}  // namespace
}  // namespace moldau::config
