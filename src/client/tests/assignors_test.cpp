#include <gtest/gtest.h>

#include <algorithm>
#include <ranges>

#include "client/group_protocol.hpp"
#include "client/tests/assignors_of_java.hpp"
#include "moldau/client/assignor.hpp"

namespace moldau::client {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  if (text.empty()) return out;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find(at, from), text.size());
    out.emplace_back(text.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

std::vector<topic_partition> partitions(std::string_view text) {
  std::vector<topic_partition> out;
  for (const std::string& each : split(text, ',')) {
    const std::size_t dash = each.rfind('-');
    out.push_back({each.substr(0, dash), partition_id(std::stoi(each.substr(dash + 1)))});
  }
  return out;
}

/// What StickyAssignor's members tell their leader, made by our own one.
std::optional<shared_bytes> sticky_words(const std::vector<topic_partition>& owned, std::int32_t generation) {
  const auto speaker = sticky_assignor();
  speaker->on_assignment(owned, {.group_id = "g", .generation = generation, .member_id = "m", .instance_id = {}});
  return speaker->user_data({});
}

/// A line of what Java's assignors answered: assignor | topics with the racks of each partition's replicas | members
/// as id/instance/rack/topics/owned/generation | the answer.
struct java_case {
  std::string assignor;
  assignable_topics topics;
  group_subscriptions members;
  group_assignments expected;
};

java_case parse_case(std::string_view line) {
  const auto fields = split(line, '|');
  java_case out{.assignor = fields.at(0), .topics = {}, .members = {}, .expected = {}};
  for (const std::string& topic : split(fields.at(1), ' ')) {
    auto& known = out.topics[topic.substr(0, topic.find(':'))];
    for (const std::string& racks : split(topic.substr(topic.find(':') + 1), ',')) {
      auto& of = known.racks.emplace_back();
      for (const char rack : racks) {
        if (rack != '-') of.insert(std::string(1, rack));
      }
    }
  }
  for (const std::string& member : split(fields.at(2), ' ')) {
    const auto parts = split(member, '/');
    member_subscription said;
    if (!parts.at(1).empty()) said.instance_id = parts.at(1);
    if (!parts.at(2).empty()) said.rack = parts.at(2);
    said.topics = split(parts.at(3), ',');
    said.owned = partitions(parts.at(4));
    said.generation = std::stoi(parts.at(5));
    if (out.assignor == "sticky") {
      if (said.generation >= 0) said.user_data = sticky_words(said.owned, said.generation);
      said.owned.clear();
    }
    out.members[parts.at(0)] = std::move(said);
  }
  for (const std::string& given : split(fields.at(3), ' ')) {
    out.expected[given.substr(0, given.find('='))] = partitions(given.substr(given.find('=') + 1));
  }
  return out;
}

std::map<std::string, std::vector<topic_partition>> plain(group_assignments of) {
  std::map<std::string, std::vector<topic_partition>> out;
  for (auto& [id, given] : of) {
    std::ranges::sort(given.partitions);
    out[id] = std::move(given.partitions);
  }
  return out;
}

TEST(Assignors, DivideAsJavaDoes) {
  std::size_t cases = 0;
  for (const std::string& line : split(assignors_of_java, '\n')) {
    if (line.empty()) continue;
    ++cases;
    const java_case each = parse_case(line);
    const auto divided = assignor_by_name(each.assignor)->assign(each.topics, each.members);
    ASSERT_TRUE(divided) << line;
    EXPECT_EQ(plain(*divided), plain(each.expected)) << line;
  }
  EXPECT_GE(cases, 100U);
}

group_subscriptions equal_members(std::initializer_list<std::string> ids, std::vector<std::string> topics) {
  group_subscriptions out;
  for (const std::string& id : ids) out[id].topics = topics;
  return out;
}

TEST(StickyAssignor, MovesOnlyWhatANewMemberNeeds) {
  const assignable_topics topics{{"t", assignable_topic::of(6)}};
  auto members = equal_members({"a", "b"}, {"t"});
  const auto first = plain(*sticky_assignor()->assign(topics, members));
  for (auto& [id, member] : members) member.user_data = sticky_words(first.at(id), 1);
  members["c"].topics = {"t"};
  const auto second = plain(*sticky_assignor()->assign(topics, members));
  EXPECT_EQ(second.at("c").size(), 2U);
  for (const char* id : {"a", "b"}) {
    EXPECT_EQ(second.at(id).size(), 2U);
    EXPECT_TRUE(std::ranges::includes(first.at(id), second.at(id))) << id;
  }
}

TEST(StickyAssignor, BelievesTheNewerGenerationOfTwoClaims) {
  const assignable_topics topics{{"t", assignable_topic::of(2)}};
  auto members = equal_members({"a", "b"}, {"t"});
  members["a"].user_data = sticky_words(partitions("t-0,t-1"), 3);
  members["b"].user_data = sticky_words(partitions("t-0"), 4);
  const auto divided = plain(*sticky_assignor()->assign(topics, members));
  EXPECT_EQ(divided.at("b"), partitions("t-0"));
  EXPECT_EQ(divided.at("a"), partitions("t-1"));
}

TEST(StickyAssignor, TakesWordsItCannotReadForNothingOwned) {
  const assignable_topics topics{{"t", assignable_topic::of(2)}};
  auto members = equal_members({"a", "b"}, {"t"});
  members["a"].user_data = shared_bytes::copy_of(as_bytes("\x7f\xff\xff\xff garbage"));
  const auto divided = sticky_assignor()->assign(topics, members);
  ASSERT_TRUE(divided);
  EXPECT_EQ(divided->at("a").partitions.size(), 1U);
}

TEST(CooperativeStickyAssignor, GivesAwayOnlyWhatItsOwnerHasGivenUp) {
  const assignable_topics topics{{"t", assignable_topic::of(4)}};
  auto members = equal_members({"a", "b"}, {"t"});
  members["a"].owned = partitions("t-0,t-1,t-2,t-3");
  members["a"].generation = 1;
  const auto first = plain(*cooperative_sticky_assignor()->assign(topics, members));
  EXPECT_EQ(first.at("a").size(), 2U);
  EXPECT_TRUE(first.at("b").empty());

  members["a"].owned = first.at("a");
  members["a"].generation = members["b"].generation = 2;
  const auto second = plain(*cooperative_sticky_assignor()->assign(topics, members));
  EXPECT_EQ(second.at("a"), first.at("a"));
  EXPECT_EQ(second.at("b").size(), 2U);
}

TEST(CooperativeStickyAssignor, AlsoWhereMembersWantDifferentTopics) {
  const assignable_topics topics{{"t", assignable_topic::of(4)}, {"u", assignable_topic::of(1)}};
  group_subscriptions members;
  members["a"].topics = {"t"};
  members["a"].owned = partitions("t-0,t-1,t-2,t-3");
  members["a"].generation = 1;
  members["b"].topics = {"t", "u"};
  const auto divided = plain(*cooperative_sticky_assignor()->assign(topics, members));
  for (const topic_partition& given : divided.at("b")) EXPECT_EQ(given.topic, "u");
  EXPECT_LT(divided.at("a").size(), 4U);
}

TEST(Assignors, AreFoundByJavasNames) {
  EXPECT_EQ(assignor_by_name("range")->name(), "range");
  EXPECT_EQ(assignor_by_name("org.apache.kafka.clients.consumer.CooperativeStickyAssignor")->name(),
            "cooperative-sticky");
  EXPECT_EQ(assignor_by_name("org.example.Mine"), nullptr);
  EXPECT_EQ(range_assignor()->protocol(), rebalance_protocol::eager);
  EXPECT_EQ(cooperative_sticky_assignor()->protocol(), rebalance_protocol::cooperative);
}

TEST(ConsumerProtocol, SubscriptionsAndAssignmentsComeBack) {
  member_subscription said;
  said.topics = {"a", "b"};
  said.owned = partitions("a-0,a-2");
  said.generation = 4;
  said.rack = "r";
  said.user_data = shared_bytes::copy_of(as_bytes("mine"));
  const auto heard = decode_subscription(encode_subscription(said));
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->topics, said.topics);
  EXPECT_EQ(heard->owned, said.owned);
  EXPECT_EQ(heard->generation, 4);
  EXPECT_EQ(heard->rack, "r");
  EXPECT_EQ(as_text(*heard->user_data), "mine");

  member_assignment given(partitions("x-1,x-3"));
  given.user_data = shared_bytes::copy_of(as_bytes("yours"));
  const auto got = decode_assignment(encode_assignment(given));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->partitions, given.partitions);
  EXPECT_EQ(as_text(*got->user_data), "yours");
  EXPECT_TRUE(decode_assignment({}).value().partitions.empty());
}

TEST(ConsumerProtocol, ReadsOlderAndNewerVersionsAndRefusesGarbage) {
  // Version 0: topics and user data only. Version 9: whatever comes behind is left alone.
  const std::string old("\x00\x00\x00\x00\x00\x01\x00\x01t\xff\xff\xff\xff", 13);
  EXPECT_EQ(decode_subscription(as_bytes(old)).value().topics, std::vector<std::string>{"t"});
  member_subscription said;
  said.topics = {"t"};
  const shared_bytes ours = encode_subscription(said);
  std::string newer(as_text(ours));
  newer[1] = 9;
  newer += "more";
  EXPECT_EQ(decode_subscription(as_bytes(newer)).value().topics, std::vector<std::string>{"t"});
  EXPECT_FALSE(decode_subscription(as_bytes("\xff\xffgarbage")));
  EXPECT_FALSE(decode_subscription(as_bytes("\x01")));
}

}  // namespace
}  // namespace moldau::client
