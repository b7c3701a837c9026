#include <gtest/gtest.h>

#include <limits>

#include "coord/tests/driver.hpp"
#include "coord/utf16.hpp"
#include "wire/coordinator/offset_commit_key.hpp"
#include "wire/coordinator/offset_commit_value.hpp"

namespace moldau::coord {
namespace {

using testing::driver;

constexpr std::int64_t day_ms = std::int64_t{24} * 60 * 60 * 1000;

uuid some_id(int n) {
  std::array<std::byte, 16> bytes{};
  bytes[15] = static_cast<std::byte>(n);
  return uuid(bytes);
}

TEST(GroupPartition, IsJavasHashOfTheUtf16Text) {
  EXPECT_EQ(java_string_hash(""), 0);
  EXPECT_EQ(java_string_hash("hello"), 99162322);
  EXPECT_EQ(java_string_hash("polygenelubricants"), INT32_MIN);
  EXPECT_EQ(partition_of_key("polygenelubricants", 50), 0);
  EXPECT_EQ(partition_of_key("hello", 50), 22);
  // One unit of two bytes, and a surrogate pair.
  EXPECT_EQ(java_string_hash("\xc3\xa9"), 0xe9);
  EXPECT_EQ(java_string_hash("\xf0\x9f\x98\x80"), 0xd83d * 31 + 0xde00);
  EXPECT_EQ(utf16_length("a\xc3\xa9\xf0\x9f\x98\x80"), 4U);
}

TEST(GroupOffsets, AreAnsweredOnceCommitted) {
  driver on;
  const auto done = on.commit_offset({.offset = 7});
  on->flush();
  EXPECT_FALSE(*done);
  on.commit();
  ASSERT_TRUE(*done);
  EXPECT_EQ((*done)->offsets.front(), errc::none);
  EXPECT_EQ(on.fetched(), 7);
}

TEST(GroupOffsets, OfManyCommitsGoIntoOneBatch) {
  driver on;
  for (int i = 0; i < 10; ++i) on.commit_offset({.partition = i, .offset = i});
  on->flush();
  EXPECT_EQ(on.batches, 1U);
  EXPECT_EQ(on.log.size(), 10U);
}

TEST(GroupOffsets, ReadAfterAnUncommittedWriteWaitForIt) {
  driver on;
  on.commit_offset({.offset = 7});
  bool answered = false;
  fetch_request wanted{.group = "g"};
  on->fetch_offsets(wanted, on.now(), [&](fetch_result) { answered = true; });
  EXPECT_FALSE(answered);
  on.commit();
  EXPECT_TRUE(answered);
}

TEST(GroupOffsets, AreRefusedWhenTheyCantBeAppended) {
  driver on;
  on.append_error = errc::not_enough_replicas;
  EXPECT_EQ(on.commit_code({.offset = 7}), errc::coordinator_not_available);
  on.append_error = errc::none;
  EXPECT_EQ(on.fetched(), -1);
}

TEST(GroupOffsets, OfAMemberNeedItsGeneration) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member();
  EXPECT_EQ(on.commit_code({.member = a, .generation = 1}), errc::none);
  EXPECT_EQ(on.commit_code({.member = a, .generation = 0}), errc::illegal_generation);
  EXPECT_EQ(on.commit_code({.member = "who", .generation = 1}), errc::unknown_member_id);
  EXPECT_EQ(on.commit_code({}), errc::unknown_member_id);
}

TEST(GroupOffsets, OfAGroupThatIsntNeedNoGeneration) {
  driver on;
  EXPECT_EQ(on.commit_code({.generation = 3, .version = 9}), errc::group_id_not_found);
  EXPECT_EQ(on.commit_code({.generation = 3, .version = 8}), errc::illegal_generation);
  EXPECT_EQ(on.commit_code({.generation = -1}), errc::none);
  EXPECT_TRUE(on->find_classic("g")->is_simple());
}

TEST(GroupOffsets, WaitWhileARebalanceCompletes) {
  driver on({.initial_rebalance_delay_ms = 0});
  std::string a;
  on.join_with_new_id({}, a);
  EXPECT_EQ(on.commit_code({.member = a, .generation = 1}), errc::rebalance_in_progress);
}

TEST(GroupOffsets, MayCarryOnlySoMuchText) {
  driver on({.offset_metadata_max = 3});
  EXPECT_EQ(on.commit_code({.metadata = "abc"}), errc::none);
  EXPECT_EQ(on.commit_code({.metadata = "abcd"}), errc::offset_metadata_too_large);
  EXPECT_EQ(on.commit_code({.metadata = "\xc3\xa9\xc3\xa9\xc3\xa9"}), errc::none);
}

TEST(GroupOffsets, OfAnOlderTopicOfThatNameAreNone) {
  driver on;
  on.commit_code({.offset = 7, .id = some_id(1)});
  fetch_request wanted{.group = "g"};
  wanted.topics.emplace().push_back({"t", some_id(2), {partition_id(0)}});
  std::int64_t got = -2;
  on->fetch_offsets(wanted, on.now(), [&](fetch_result value) { got = value.topics[0].partitions[0].offset.value(); });
  EXPECT_EQ(got, -1);
  EXPECT_EQ(on.fetched(), 7);
}

TEST(GroupOffsets, GoWithTheirTopic) {
  driver on;
  on.commit_code({.offset = 7, .id = some_id(1)});
  on.commit_code({.topic = "u", .offset = 8, .id = some_id(2)});
  on->topics_deleted({{some_id(1), "t"}, {some_id(9), "u"}}, on.now());
  on.settle();
  EXPECT_EQ(on.fetched("t"), -1);
  EXPECT_EQ(on.fetched("u"), 8);
}

TEST(GroupOffsets, AreDeletedUnlessAMemberConsumesThem) {
  // The consumer's subscription: version 0, one topic "t".
  constexpr std::string_view subscription("\0\0\0\0\0\1\0\1t\0\0\0\0", 13);
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member({.metadata = subscription});
  on.commit_code({.member = a, .generation = 1, .offset = 1});
  on.commit_code({.member = a, .generation = 1, .topic = "u", .offset = 2});
  const delete_offsets_request wanted{.group = "g", .partitions = {{"t", partition_id(0)}, {"u", partition_id(0)}}};
  commit_result out;
  on->delete_offsets(wanted, on.now(), [&](commit_result value) { out = value; });
  on.settle();
  EXPECT_EQ(out.offsets, (std::vector{errc::group_subscribed_to_topic, errc::none}));
  EXPECT_EQ(on.fetched("t"), 1);
  EXPECT_EQ(on.fetched("u"), -1);
}

TEST(GroupOffsets, OfAnOpenTransactionAreUnstable) {
  driver on;
  on.commit_code({.offset = 1});
  const record written = on.log.back();
  on->replay(written.key, written.value->view(), {.offset = offset(5), .transaction = producer_id(9)});
  fetch_request wanted{.group = "g", .require_stable = true};
  errc code = errc::none;
  const auto ask = [&] {
    on->fetch_offsets(wanted, on.now(), [&](fetch_result value) { code = value.topics[0].partitions[0].error; });
  };
  ask();
  EXPECT_EQ(code, errc::unstable_offset_commit);
  on->end_transaction(producer_id(9), true);
  ask();
  EXPECT_EQ(code, errc::none);
}

TEST(GroupExpiry, DropsWhatASimpleGroupCommittedLongAgo) {
  driver on;
  on.commit_code({.offset = 1});
  on.advance(6 * day_ms);
  EXPECT_EQ(on.fetched(), 1);
  on.advance(1 * day_ms + 600'000);
  EXPECT_EQ(on.fetched(), -1);
  EXPECT_EQ(on->find_classic("g"), nullptr);
}

TEST(GroupExpiry, CountsFromWhenTheGroupBecameEmpty) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member({.session_ms = 1'800'000});
  on.commit_code({.member = a, .generation = 1, .offset = 1});
  for (int i = 0; i < 8 * 48; ++i) {
    on.advance(1'790'000);
    ASSERT_EQ(on.heartbeat(a, 1), errc::none);
  }
  on.leave({{.id = a}});
  on.advance(6 * day_ms);
  EXPECT_EQ(on.fetched(), 1);
  on.advance(2 * day_ms);
  EXPECT_EQ(on.fetched(), -1);
  EXPECT_EQ(on->find_classic("g"), nullptr);
}

TEST(GroupExpiry, HonoursARetentionOfTheCommitsOwn) {
  driver on;
  on.commit_code({.offset = 1, .retention_ms = 1000, .version = 4});
  on.advance(1'200'000);
  EXPECT_EQ(on.fetched(), -1);
}

TEST(GroupExpiry, DropsWhatWasCommittedBeforeAnyTime) {
  driver on;
  wire::coordinator::offset_commit_value value;
  value.offset = offset(1);
  value.commit_timestamp = std::numeric_limits<std::int64_t>::min();
  on->replay(encode_key(wire::coordinator::offset_commit_key{.group = "g", .topic = "t", .partition = partition_id(0)}),
             encode_value(value, 3).view(), {.offset = offset(0)});
  EXPECT_EQ(on.fetched(), 1);
  on.advance(1'200'000);
  EXPECT_EQ(on.fetched(), -1);
}

TEST(GroupAdmin, ListsByStateAndType) {
  driver on({.initial_rebalance_delay_ms = 0});
  on.stable_member();
  on.commit_code({.group = "simple"});
  const std::vector<std::string_view> stable{" STABLE "};
  const std::vector<std::string_view> consumer{"consumer"};
  EXPECT_EQ(on->list({}, {}).size(), 2U);
  ASSERT_EQ(on->list(stable, {}).size(), 1U);
  EXPECT_EQ(on->list(stable, {}).front().id, "g");
  EXPECT_EQ(on->list(stable, {}).front().protocol_type, "consumer");
  EXPECT_TRUE(on->list({}, consumer).empty());
}

TEST(GroupAdmin, DescribesMembersAndTheirAssignment) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member();
  const auto seen = on->describe("g", 5);
  EXPECT_EQ(seen.state, "Stable");
  EXPECT_EQ(seen.protocol, "range");
  ASSERT_EQ(seen.members.size(), 1U);
  EXPECT_EQ(seen.members[0].client_host, "/10.0.0.1");
  EXPECT_EQ(as_text(seen.members[0].assignment), "a");
  EXPECT_EQ(on->describe("none", 5).state, "Dead");
  EXPECT_EQ(on->describe("none", 5).error, errc::none);
  EXPECT_EQ(on->describe("none", 6).error, errc::group_id_not_found);
}

TEST(GroupAdmin, RemovesEmptyGroupsOnly) {
  driver on({.initial_rebalance_delay_ms = 0});
  on.stable_member();
  on.commit_code({.group = "simple", .offset = 4});
  const std::vector<std::string_view> all{"g", "simple", "none"};
  std::vector<errc> out;
  on->remove_groups(all, on.now(), [&](std::vector<errc> codes) { out = codes; });
  on.settle();
  EXPECT_EQ(out, (std::vector{errc::non_empty_group, errc::none, errc::group_id_not_found}));
  EXPECT_EQ(on.fetched("t", 0, "simple"), -1);
  EXPECT_EQ(on->find_classic("simple"), nullptr);
}

TEST(GroupReplay, GivesTheLiveStateBack) {
  driver on({.initial_rebalance_delay_ms = 0});
  const std::string a = on.stable_member({.group = "one"});
  (void)on.join({.group = "static", .instance = "i"});
  const std::string b = on.stable_member({.group = "left"});
  on.leave({{.id = b}}, "left");
  on.commit_code({.group = "one", .member = a, .generation = 1, .offset = 5, .metadata = "m", .id = some_id(1)});
  on.commit_code({.group = "simple", .offset = 6});
  on.commit_code({.group = "gone", .offset = 6});
  const std::vector<std::string_view> gone{"gone"};
  on->remove_groups(gone, on.now(), [](const auto&) {});
  on.settle();

  const auto again = on.replayed();
  EXPECT_EQ(again->offsets().all(), on->offsets().all());
  EXPECT_EQ(again->find_classic("gone"), nullptr);
  for (const std::string_view name : {"one", "left", "simple"}) {
    const classic_group* live = on->find_classic(name);
    const classic_group* loaded = again->find_classic(name);
    ASSERT_NE(loaded, nullptr) << name;
    EXPECT_EQ(loaded->state(), live->state()) << name;
    EXPECT_EQ(loaded->generation(), live->generation()) << name;
    EXPECT_EQ(loaded->leader(), live->leader()) << name;
    EXPECT_EQ(loaded->protocol_type(), live->protocol_type()) << name;
    EXPECT_EQ(loaded->protocol_name(), live->protocol_name()) << name;
    ASSERT_EQ(loaded->members().size(), live->members().size()) << name;
    for (const auto& [id, member] : live->members()) {
      const classic_member* same = loaded->find(id);
      ASSERT_NE(same, nullptr);
      EXPECT_EQ(as_text(same->assignment), as_text(member.assignment));
      EXPECT_TRUE(same_protocols(same->protocols, member.protocols));
      EXPECT_EQ(same->session_timeout_ms, member.session_timeout_ms);
      EXPECT_EQ(same->rebalance_timeout_ms, member.rebalance_timeout_ms);
    }
  }
}

TEST(GroupReplay, SkipsWhatItDoesntKnow) {
  driver on;
  const std::string_view unknown_type("\x7f\x00whatever", 10);
  on->replay(as_bytes(unknown_type), as_bytes("value"), {});
  on->replay(as_bytes("x"), as_bytes("value"), {});
  on->replay(as_bytes(std::string_view("\0\1\x7f\x7f", 4)), as_bytes("value"), {});
  on->replay(as_bytes(std::string_view("\0\2\0\1g", 5)), as_bytes("x"), {});
  EXPECT_TRUE(on->list({}, {}).empty());
}

TEST(Runtime, SplitsWhatNeedntBeAtomic) {
  driver on({.batch_bytes_max = 400});
  for (int i = 0; i < 40; ++i) on.commit_code({.partition = i, .offset = i});
  on.batches = 0;
  const std::vector<std::string_view> all{"g"};
  std::vector<errc> out;
  on->remove_groups(all, on.now(), [&](std::vector<errc> codes) { out = codes; });
  on.settle();
  EXPECT_EQ(out, (std::vector{errc::none}));
  EXPECT_GT(on.batches, 3U);
  EXPECT_TRUE(on->offsets().all().empty());
}

TEST(Runtime, WaitsForACommitNoLongerThanItsTimeout) {
  driver on({.commit_timeout_ms = 5000});
  const auto first = on.commit_offset({.offset = 1});
  on->flush();
  ASSERT_EQ(on->next_deadline_ms(), on.clock_ms + 5000);
  on.clock_ms += 5000;
  on->poll(on.now());
  ASSERT_TRUE(*first);
  EXPECT_EQ((*first)->error, errc::coordinator_not_available);
  // It stands in the log all the same, and a read waits for it.
  EXPECT_TRUE(on->uncommitted_end());
  EXPECT_EQ(on.fetched(), 1);
}

TEST(Runtime, RefusesAGroupWhoseRecordFitsNoBatch) {
  driver on({.batch_bytes_max = 10});
  EXPECT_EQ((*on.join({}))->error, errc::unknown_server_error);
  EXPECT_EQ(on->find_classic("g"), nullptr);
}

TEST(Runtime, RefusesWhatFitsNoBatch) {
  driver on({.batch_bytes_max = 400});
  const std::string text(500, 'x');
  EXPECT_EQ(on.commit_code({.metadata = text}), errc::unknown_server_error);
}

}  // namespace
}  // namespace moldau::coord
