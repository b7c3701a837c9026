#include <gmock/gmock.h>

#include "tests/groups/playground.hpp"

namespace moldau::client {
namespace {

using ::testing::ElementsAre;

struct Reading : Groups {
  reader& assigned(std::function<void(consumer_options&)> change = {}) {
    create_topic("t", 2);
    produce("t", 0, {"a", "b", "c"}, 1'000);
    produce("t", 0, {"d", "e"}, 2'000);
    reader& out = add_reader("a", std::move(change));
    EXPECT_TRUE(await(out.host(), out.client().assign(of("t", {0, 1}))));
    return out;
  }
  std::vector<std::string> values(const polled& got) {
    std::vector<std::string> out;
    for (const record_batch& batch : got.batches) {
      for (const record_view& record : batch) out.emplace_back(as_text(*record.value));
    }
    return out;
  }
  /// All that comes until nothing does for a second.
  std::vector<std::string> drain(reader& from) {
    std::vector<std::string> out;
    while (true) {
      const auto got = await(from.host(), from.client().poll(1s));
      if (!got) {
        ADD_FAILURE() << got.error().message;
        return out;
      }
      if (got->batches.empty() && got->ends.empty()) return out;
      for (auto& each : values(*got)) out.push_back(std::move(each));
    }
  }
};

TEST_F(Reading, AssignedPartitionsAreReadFromTheirBeginning) {
  reader& a = assigned();
  EXPECT_THAT(drain(a), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(await(a.host(), a.client().position(of("t", {0})[0])).value(), offset(5));
  EXPECT_EQ(await(a.host(), a.client().current_lag(of("t", {0})[0])).value(), 0);
}

TEST_F(Reading, SeeksGoWhereTheySay) {
  reader& a = assigned();
  drain(a);
  const auto p = of("t", {0})[0];
  ASSERT_TRUE(await(a.host(), a.client().seek(p, offset(3))));
  EXPECT_THAT(drain(a), ElementsAre("d", "e"));
  ASSERT_TRUE(await(a.host(), a.client().seek_to_beginning({p})));
  EXPECT_THAT(drain(a), ElementsAre("a", "b", "c", "d", "e"));
  ASSERT_TRUE(await(a.host(), a.client().seek_to_time({{p, 1'500}})));
  EXPECT_THAT(drain(a), ElementsAre("d", "e"));
  ASSERT_TRUE(await(a.host(), a.client().seek_to_time({{p, 9'999}})));
  EXPECT_THAT(drain(a), ElementsAre());
  ASSERT_TRUE(await(a.host(), a.client().seek_to_end({p})));
  EXPECT_EQ(await(a.host(), a.client().position(p)).value(), offset(5));
  EXPECT_FALSE(await(a.host(), a.client().seek(of("other", {0})[0], offset(0))));
}

TEST_F(Reading, APausedPartitionBringsNothingUntilItIsResumed) {
  reader& a = assigned();
  ASSERT_TRUE(await(a.host(), a.client().pause(of("t", {0}))));
  produce("t", 1, {"x"});
  EXPECT_THAT(drain(a), ElementsAre("x"));
  EXPECT_EQ(await(a.host(), a.client().paused()).value(), of("t", {0}));
  ASSERT_TRUE(await(a.host(), a.client().resume(of("t", {0}))));
  EXPECT_THAT(drain(a), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(Reading, APollBringsNoMoreRecordsThanAsked) {
  reader& a = assigned([](consumer_options& options) { options.poll_records_max = 2; });
  std::vector<std::string> got;
  for (int i = 0; i < 3; ++i) {
    const auto polled = await(a.host(), a.client().poll(2s));
    ASSERT_TRUE(polled);
    EXPECT_LE(polled->records(), 2U);
    for (auto& each : values(*polled)) got.push_back(each);
    EXPECT_EQ(await(a.host(), a.client().position(of("t", {0})[0])).value(),
              offset(static_cast<std::int64_t>(got.size())));
  }
  EXPECT_THAT(got, ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(Reading, WithoutAResetAMissingCommitIsAnError) {
  reader& a = assigned([](consumer_options& options) { options.offset_reset = offset_reset::none; });
  const auto got = await(a.host(), a.client().poll(5s));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::offset_out_of_range);
}

TEST_F(Reading, APositionPastTheEndIsResetOrAnError) {
  reader& a = assigned();
  ASSERT_TRUE(await(a.host(), a.client().seek(of("t", {0})[0], offset(99))));
  EXPECT_THAT(drain(a), ElementsAre("a", "b", "c", "d", "e"));

  reader& strict = add_reader("strict", [](consumer_options& options) { options.offset_reset = offset_reset::none; });
  ASSERT_TRUE(await(strict.host(), strict.client().assign({{of("t", {0})[0], offset(99)}})));
  const auto got = await(strict.host(), strict.client().poll(5s));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::offset_out_of_range);
  ASSERT_TRUE(await(strict.host(), strict.client().seek(of("t", {0})[0], offset(4))));
  EXPECT_THAT(drain(strict), ElementsAre("e"));
}

TEST_F(Reading, AResetByDurationBeginsWhereRecordsAreYoungEnough) {
  create_topic("t", 1);
  const std::int64_t now = tools.wall_ms();
  produce("t", 0, {"old"}, now - 7'200'000);
  produce("t", 0, {"new"}, now - 60'000);
  reader& a = add_reader("a", [](consumer_options& options) {
    options.offset_reset = offset_reset::by_duration;
    options.offset_reset_duration_ms = 3'600'000;
  });
  ASSERT_TRUE(await(a.host(), a.client().assign(of("t", {0}))));
  EXPECT_THAT(drain(a), ElementsAre("new"));
}

TEST_F(Reading, CommitsBelongToTheGroupAndComeBack) {
  reader& a = assigned([](consumer_options& options) { options.auto_commit = false; });
  const auto got = await(a.host(), a.client().poll(5s));
  ASSERT_TRUE(got && !got->batches.empty());
  const record_batch& batch = got->batches[0];
  ASSERT_TRUE(await(a.host(), a.client().commit(batch, batch.records()[1])));
  const auto p = of("t", {0})[0];
  EXPECT_EQ(await(a.host(), a.client().committed({p})).value().at(p).offset, offset(2));
  ASSERT_TRUE(await(a.host(), a.client().commit()));
  EXPECT_EQ(await(a.host(), a.client().committed({p})).value().at(p).offset, batch.next_offset());
  EXPECT_EQ(await(a.host(), a.client().lag()).value().at(p), 5 - batch.next_offset().value());
}

TEST_F(Reading, ACommitOfAnOlderEpochThanTheLeaderIsValidatedAndReadOn) {
  reader& a = assigned();
  const auto p = of("t", {0})[0];
  ASSERT_TRUE(await(a.host(),
                    a.client().commit({{p, {.offset = offset(3), .leader_epoch = leader_epoch(0), .metadata = {}}}})));
  reader& b = add_reader("b");
  ASSERT_TRUE(await(b.host(), b.client().assign(std::vector{p})));
  EXPECT_THAT(drain(b), ElementsAre("d", "e"));
}

TEST_F(Reading, AnEndIsReportedOnce) {
  reader& a = assigned();
  std::vector<topic_partition> ends;
  for (int i = 0; i < 6; ++i) {
    const auto got = await(a.host(), a.client().poll(500ms));
    ASSERT_TRUE(got);
    ends.insert(ends.end(), got->ends.begin(), got->ends.end());
  }
  std::ranges::sort(ends);
  EXPECT_EQ(ends, of("t", {0, 1}));
}

TEST_F(Reading, AWakeupEndsAPoll) {
  reader& a = assigned();
  drain(a);
  std::optional<result<polled>> got;
  a.client().poll(1h).then([&](result<polled> what) { got = std::move(what); });
  world.run_for(1s);
  EXPECT_FALSE(got);
  a.client().wakeup();
  ASSERT_TRUE(until([&] { return got.has_value(); }, 1s));
  EXPECT_TRUE(got->value().empty());
}

TEST_F(Reading, CallsAfterCloseFailAndNothingIsCalledAnyMore) {
  create_topic("t", 1);
  reader& a = add_reader("a");
  a.subscribe({"t"});
  ASSERT_TRUE(settles("t", 1));
  a.close();
  ASSERT_TRUE(until([&] { return a.is_closed(); }));
  const auto told = a.told.size();
  EXPECT_EQ(await(a.host(), a.client().poll(1s)).error().code, errc::closed);
  EXPECT_EQ(await(a.host(), a.client().commit({{of("t", {0})[0], {offset(0), no_leader_epoch, ""}}})).error().code,
            errc::closed);
  EXPECT_FALSE(await(a.host(), a.client().subscribe({"t"})));
  ASSERT_TRUE(await(a.host(), a.client().close())) << "any number of times";
  world.run_for(1min);
  EXPECT_EQ(a.told.size(), told);
}

TEST_F(Reading, CloseKeepsItsDeadlineWhenTheBrokerHasGone) {
  create_topic("t", 1);
  reader& a = add_reader("a");
  a.subscribe({"t"});
  ASSERT_TRUE(settles("t", 1));
  broker_host.crash();
  const auto before = world.now();
  a.close({.within = 3s});
  ASSERT_TRUE(until([&] { return a.is_closed(); }));
  EXPECT_LE(world.now() - before, 3500ms);
}

}  // namespace
}  // namespace moldau::client
