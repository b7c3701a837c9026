#include "config/listeners.hpp"

#include <gtest/gtest.h>

namespace moldau::config {
namespace {

const protocol_map protocols{{"PLAINTEXT", security_protocol::plaintext}, {"B", security_protocol::sasl_ssl}};

TEST(Listeners, ParseNamesHostsAndPorts) {
  EXPECT_EQ(parse_endpoint("plaintext://kafka-1.example.com:9092", protocols).value(),
            (endpoint{"PLAINTEXT", security_protocol::plaintext, "kafka-1.example.com", 9092}));
  EXPECT_EQ(parse_endpoint("B://[::1]:1", protocols).value(), (endpoint{"B", security_protocol::sasl_ssl, "::1", 1}));
  EXPECT_EQ(parse_endpoint("B://:0", protocols).value(), (endpoint{"B", security_protocol::sasl_ssl, "", 0}));
}

TEST(Listeners, RefuseWhatIsMalformed) {
  for (const auto* text : {"", "PLAINTEXT", "://h:1", "PLAINTEXT://h", "PLAINTEXT://h:", "PLAINTEXT://h:65536",
                           "PLAINTEXT://h:-1", "PLAINTEXT://h h:1", "C://h:1"}) {
    EXPECT_FALSE(parse_endpoint(text, protocols)) << text;
  }
}

TEST(Listeners, ShareAPortOnlyBetweenIpv4AndIpv6) {
  const std::vector<std::string> both{"PLAINTEXT://127.0.0.1:9092", "B://[::1]:9092"};
  EXPECT_TRUE(parse_endpoints(both, protocols, true));
  const std::vector<std::string> same{"PLAINTEXT://127.0.0.1:9092", "B://127.0.0.2:9092"};
  EXPECT_FALSE(parse_endpoints(same, protocols, true));
  EXPECT_TRUE(parse_endpoints(same, protocols, false));
}

TEST(Listeners, RefuseANameTwice) {
  const std::vector<std::string> twice{"PLAINTEXT://:1", "plaintext://:2"};
  EXPECT_FALSE(parse_endpoints(twice, protocols, true));
}

TEST(Listeners, TellAllThatIsWrong) {
  const std::vector<std::string> bad{"PLAINTEXT://h:99999", "B://h:-4"};
  const auto parsed = parse_endpoints(bad, protocols, true);
  ASSERT_FALSE(parsed);
  EXPECT_TRUE(parsed.error().message.contains("'99999' is not a port")) << parsed.error().message;
  EXPECT_TRUE(parsed.error().message.contains("'-4' is not a port")) << parsed.error().message;
}

TEST(Voters, ParseIdsAndAddresses) {
  const std::vector<std::string> entries{"1@a:9093", "2@[::1]:9094"};
  EXPECT_EQ(parse_voters(entries).value(),
            (std::vector<voter>{{broker_id(1), {"a", 9093}}, {broker_id(2), {"::1", 9094}}}));
  for (const auto* text : {"a:9093", "x@a:9093", "-1@a:9093", "1@:9093", "1@a"}) {
    const std::vector<std::string> bad{text};
    EXPECT_FALSE(parse_voters(bad)) << text;
  }
}

TEST(ProtocolMap, TakesNamesInAnyCase) {
  const auto map = parse_protocol_map("internal:plaintext, Client:SASL_SSL").value();
  EXPECT_EQ(map.at("INTERNAL"), security_protocol::plaintext);
  EXPECT_EQ(map.at("CLIENT"), security_protocol::sasl_ssl);
  EXPECT_FALSE(parse_protocol_map("A:TLS"));
  EXPECT_FALSE(parse_protocol_map("A"));
}

}  // namespace
}  // namespace moldau::config
