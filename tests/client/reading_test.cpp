#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/client/playground.hpp"

/// What a consumer meets in a cluster of several brokers: logs that were cut (KIP-320), replicas that are nearer than
/// the leader (KIP-392), transactions.
namespace moldau::client {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::fake_record;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const topic_partition first{"t", partition_id(0)};

class ClientReading : public ::testing::Test {
 protected:
  template <typename T>
  result<T> wait(async<T> what) {
    return in.run([](async<T> inner) -> rt::task<result<T>> { co_return co_await std::move(inner); }(std::move(what)));
  }
  consumer make_consumer(consumer_options options = {}) {
    options.client = in.to_cluster();
    options.client.metadata_max_age_ms = metadata_max_age_ms;
    options.group_id = "g";
    options.auto_commit = false;
    auto made = consumer::make(std::move(options)).value();
    EXPECT_TRUE(wait(made.assign(std::map<topic_partition, offset>{{first, offset(0)}})));
    return made;
  }
  /// The next values, or an error's name; nothing comes for longer than ten seconds.
  std::vector<std::string> read(consumer& from, std::size_t count) {
    std::vector<std::string> out;
    const auto until = in.world().now() + 10s;
    while (out.size() < count && in.world().now() < until) {
      const auto got = wait(from.poll(500ms));
      if (!got) {
        out.emplace_back(name(got.error().code));
        break;
      }
      for (const auto& batch : got->batches) {
        for (const auto& record : batch) out.emplace_back(as_text(record.value.value_or(bytes_view())));
      }
    }
    return out;
  }
  void append(std::vector<std::string> values) {
    for (std::string& value : values) ASSERT_TRUE(in.cluster().append(first, {.value = std::move(value)}));
  }
  /// How often that broker was asked for records.
  std::size_t fetches_on(std::int32_t id) {
    std::size_t out = 0;
    for (const auto& seen : in.cluster().requests()) out += seen.api == api::fetch && seen.on == broker_id(id) ? 1 : 0;
    return out;
  }

  std::int64_t metadata_max_age_ms = 300'000;
  playground in{{.brokers = 3,
                 .topics = {{.name = "t"}},
                 .racks = {{broker_id(1), "a"}, {broker_id(2), "b"}, {broker_id(3), "c"}}}};
};

TEST_F(ClientReading, ALogThatWasCutBelowThePositionIsAnErrorWithoutAPolicy) {
  append({"0", "1", "2", "3", "4"});
  auto c = make_consumer({.offset_reset = offset_reset::none});
  ASSERT_EQ(read(c, 5).size(), 5U);
  ASSERT_TRUE(in.cluster().truncate(first, offset(3)));
  append({"3'", "4'", "5'"});
  EXPECT_THAT(read(c, 1), ElementsAre(name(errc::log_truncated)));
  EXPECT_GE(in.cluster().count(api::offset_for_leader_epoch), 1U);
  // It says so again until the application decides.
  EXPECT_THAT(read(c, 1), ElementsAre(name(errc::log_truncated)));
  ASSERT_TRUE(wait(c.seek(first, offset(3))));
  EXPECT_THAT(read(c, 3), ElementsAre("3'", "4'", "5'"));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReading, WithAPolicyItGoesOnWhereTheLogWasCut) {
  for (const auto policy : {offset_reset::earliest, offset_reset::latest}) {
    ASSERT_TRUE(in.cluster().truncate(first, offset(0)));
    append({"0", "1", "2", "3", "4"});
    auto c = make_consumer({.offset_reset = policy});
    ASSERT_EQ(read(c, 5).size(), 5U);
    ASSERT_TRUE(in.cluster().truncate(first, offset(3)));
    append({"3'", "4'", "5'"});
    EXPECT_THAT(read(c, 3), ElementsAre("3'", "4'", "5'"));
    EXPECT_TRUE(wait(c.close()));
  }
}

TEST_F(ClientReading, WhatWasFetchedAheadOfACutIsFetchedAnew) {
  append({"0", "1", "2", "3", "4"});
  auto c = make_consumer({.offset_reset = offset_reset::none, .poll_records_max = 1});
  ASSERT_THAT(read(c, 2), ElementsAre("0", "1"));
  ASSERT_TRUE(in.cluster().truncate(first, offset(3)));
  append({"3'"});
  in.simulator().run_for(3s);
  EXPECT_THAT(read(c, 2), ElementsAre("2", "3'"));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReading, ANewLeaderWithTheWholeLogIsAskedOnceAndReadOn) {
  append({"0", "1"});
  auto c = make_consumer({.offset_reset = offset_reset::none});
  ASSERT_EQ(read(c, 2).size(), 2U);
  for (const std::int32_t to : {2, 3, 1}) {
    const std::size_t asked = in.cluster().count(api::offset_for_leader_epoch);
    ASSERT_TRUE(in.cluster().move_leader(first, broker_id(to)));
    append({"next"});
    EXPECT_THAT(read(c, 1), ElementsAre("next"));
    EXPECT_EQ(in.cluster().count(api::offset_for_leader_epoch), asked + 1);
  }
  EXPECT_THAT(read(c, 1), IsEmpty());
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReading, ACommitKnowsItsEpochSoThatACutIsNoticedAfterARestart) {
  append({"0", "1", "2"});
  {
    auto c = make_consumer({.offset_reset = offset_reset::none});
    ASSERT_EQ(read(c, 3).size(), 3U);
    ASSERT_TRUE(wait(c.commit()));
    ASSERT_TRUE(wait(c.close()));
  }
  ASSERT_TRUE(in.cluster().truncate(first, offset(1)));
  append({"1'", "2'", "3'"});
  auto c = consumer::make({.client = in.to_cluster(), .group_id = "g", .offset_reset = offset_reset::none}).value();
  ASSERT_TRUE(wait(c.assign({first})));
  EXPECT_THAT(read(c, 1), ElementsAre(name(errc::log_truncated)));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReading, TheReplicaInItsOwnRackServesIt) {
  ASSERT_EQ(in.cluster().leader(first), broker_id(1));
  append({"0"});
  auto c = make_consumer({.rack = "b"});
  ASSERT_THAT(read(c, 1), ElementsAre("0"));
  EXPECT_EQ(fetches_on(1), 1U) << "the leader says who is nearer";
  append({"1", "2"});
  EXPECT_THAT(read(c, 2), ElementsAre("1", "2"));
  EXPECT_EQ(fetches_on(1), 1U);
  EXPECT_GE(fetches_on(2), 2U);
  EXPECT_EQ(fetches_on(3), 0U);
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReading, ANearReplicaThatGoesAwayIsGivenUpForTheLeader) {
  append({"0"});
  auto c = make_consumer({.rack = "b"});
  ASSERT_THAT(read(c, 1), ElementsAre("0"));
  ASSERT_TRUE(in.cluster().stop_broker(broker_id(2)));
  append({"1"});
  EXPECT_THAT(read(c, 1), ElementsAre("1"));
  EXPECT_GE(fetches_on(1), 2U);
  ASSERT_TRUE(in.cluster().start_broker(broker_id(2)));
  in.cluster().forget_requests();
  append({"2"});
  EXPECT_THAT(read(c, 1), ElementsAre("2"));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReading, ANearReplicaThatLacksTheOffsetIsGivenUpWithoutAReset) {
  append({"0"});
  auto c = make_consumer({.offset_reset = offset_reset::none, .rack = "b"});
  ASSERT_THAT(read(c, 1), ElementsAre("0"));
  in.simulator().run_for(1s);
  in.cluster().inject(
      {.what = fault::kind::error, .of = api::fetch, .on = broker_id(2), .code = errc::offset_out_of_range});
  const std::size_t at_the_leader = fetches_on(1);
  in.simulator().run_for(1s);
  append({"1"});
  EXPECT_THAT(read(c, 1), ElementsAre("1"));
  EXPECT_EQ(in.cluster().faults_left(), 0U);
  EXPECT_GT(fetches_on(1), at_the_leader);
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReading, TheLeaderIsAskedAgainNowAndThenWhoIsNearest) {
  metadata_max_age_ms = 5'000;
  append({"0"});
  auto c = make_consumer({.rack = "b"});
  ASSERT_THAT(read(c, 1), ElementsAre("0"));
  const std::size_t asked = fetches_on(1);
  in.simulator().run_for(3s);
  EXPECT_EQ(fetches_on(1), asked);
  in.simulator().run_for(3s);
  EXPECT_EQ(fetches_on(1), asked + 1);
  EXPECT_TRUE(wait(c.close()));
}

class ClientReadingTransactions : public ClientReading {
 protected:
  fake_record by(std::int64_t id, std::string value) {
    return {.value = std::move(value),
            .producer_id = producer_id(id),
            .producer_epoch = producer_epoch(0),
            .is_transactional = true};
  }
  /// 0 "a", 1 "aborted" by 1, 2 "c" by 2, 3 "aborted too" by 1, 4 abort of 1, 5 commit of 2, 6 "d" by 3, 7 "e".
  void SetUp() override {
    append({"a"});
    ASSERT_TRUE(in.cluster().append(first, by(1, "aborted")));
    ASSERT_TRUE(in.cluster().append(first, by(2, "c")));
    ASSERT_TRUE(in.cluster().append(first, by(1, "aborted too")));
    ASSERT_TRUE(in.cluster().end_transaction(first, producer_id(1), false));
    ASSERT_TRUE(in.cluster().end_transaction(first, producer_id(2), true));
    ASSERT_TRUE(in.cluster().append(first, by(3, "d")));
    append({"e"});
  }
};

TEST_F(ClientReadingTransactions, CommittedOnlyLeavesAbortedRecordsOutAndWaitsForOpenOnes) {
  auto c = make_consumer({.isolation = isolation::read_committed});
  EXPECT_THAT(read(c, 3), ElementsAre("a", "c"));
  EXPECT_EQ(wait(c.position(first)).value(), offset(6));
  EXPECT_EQ(wait(c.end_offsets({first})).value().at(first), offset(6));
  EXPECT_EQ(wait(c.current_lag(first)).value(), 0);
  ASSERT_TRUE(in.cluster().end_transaction(first, producer_id(3), true));
  EXPECT_THAT(read(c, 2), ElementsAre("d", "e"));
  EXPECT_EQ(wait(c.position(first)).value(), in.cluster().end_offset(first));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReadingTransactions, AnOpenOneThatIsAbortedIsLeftOutToo) {
  auto c = make_consumer({.isolation = isolation::read_committed});
  EXPECT_THAT(read(c, 3), ElementsAre("a", "c"));
  ASSERT_TRUE(in.cluster().end_transaction(first, producer_id(3), false));
  append({"f"});
  EXPECT_THAT(read(c, 2), ElementsAre("e", "f"));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReadingTransactions, AbortedRecordsAreToldWhateverFetchBringsThem) {
  // A batch a fetch.
  auto c = make_consumer({.partition_fetch_max_bytes = 1, .isolation = isolation::read_committed});
  EXPECT_THAT(read(c, 3), ElementsAre("a", "c"));
  ASSERT_TRUE(wait(c.seek(first, offset(3))));
  EXPECT_THAT(read(c, 1), IsEmpty());
  EXPECT_EQ(wait(c.position(first)).value(), offset(6));
  EXPECT_TRUE(wait(c.close()));
}

TEST_F(ClientReadingTransactions, WithoutIsolationAllRecordsComeButNoMarkers) {
  auto c = make_consumer();
  EXPECT_THAT(read(c, 6), ElementsAre("a", "aborted", "c", "aborted too", "d", "e"));
  EXPECT_EQ(wait(c.end_offsets({first})).value().at(first), offset(8));
  EXPECT_TRUE(wait(c.close()));
}

}  // namespace
}  // namespace moldau::client
