#include "client/accumulator.hpp"

#include <gtest/gtest.h>

#include <set>

#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;

struct Accumulator : ::testing::Test, road, clock {
  explicit Accumulator(bool idempotence = true) { options.idempotence = idempotence; }

  rt::time_point now() const override { return time; }
  bool is_open(partition_lane& lane, std::size_t) override { return !closed_roads.contains(&lane); }
  void load(batch_ptr batch) override { loaded.push_back(std::move(batch)); }

  accumulator::options options{.batch_bytes = 300, .linger = 5ms, .delivery_timeout = 1s, .in_flight_max = 5};
  std::unique_ptr<accumulator> made;
  rt::time_point time{1h};
  std::vector<batch_ptr> kept;
  std::vector<finished_batch> finished;
  std::vector<batch_ptr> loaded;
  std::set<partition_lane*> closed_roads;
  partition_lane* first = nullptr;
  partition_lane* second = nullptr;

  accumulator& batches() {
    if (!made) {
      made = std::make_unique<accumulator>(options);
      first = &made->add_lane("t", partition_id(0));
      second = &made->add_lane("t", partition_id(1));
    }
    return *made;
  }
  void begin() { batches().set_identity({producer_id(7), producer_epoch(0)}); }
  result<accumulator::appended> append(partition_lane& to, std::string_view value, std::uint64_t tag = 0,
                                       std::int64_t timestamp_ms = 1) {
    return batches().append(to, {.timestamp_ms = timestamp_ms, .value = as_bytes(value)}, {.tag = tag}, *this);
  }
  void add(int count = 1) {
    batches();
    for (int i = 0; i < count; ++i) ASSERT_TRUE(append(*first, "value", static_cast<std::uint64_t>(i)));
  }
  /// One batch for each call.
  batch_ptr add_and_take() {
    add();
    time += 5ms;
    return take_one();
  }
  std::vector<batch_ptr> take() {
    batches().take_ready(time, *this, finished);
    return std::exchange(loaded, {});
  }
  batch_ptr take_one() {
    auto out = take();
    EXPECT_EQ(out.size(), 1U);
    return out.empty() ? nullptr : std::move(out.front());
  }
  /// Those that a test doesn't answer are on their way until its end.
  std::size_t keep(std::vector<batch_ptr> batches_taken) {
    for (batch_ptr& each : batches_taken) kept.push_back(std::move(each));
    return batches_taken.size();
  }
  const batch_ptr& take_and_keep() { return kept.emplace_back(take_one()); }
  void answer(batch_ptr batch, errc code) {
    batches().on_outcome(std::move(batch), {.error = {code, {}}}, time + 100ms, finished);
  }
  static std::int32_t sequence(const batch_ptr& of) { return wire::batch_view(of->bytes).base_sequence(); }
  static producer_epoch epoch(const batch_ptr& of) { return wire::batch_view(of->bytes).producer_epoch(); }
  std::vector<std::string> values(bytes_view batch) {
    wire::codec_context codecs;
    auto reader = wire::record_reader::open(wire::batch_view(batch), codecs);
    EXPECT_TRUE(reader);
    std::vector<std::string> out;
    record_view record;
    while (reader->next(record).value_or(false)) out.emplace_back(as_text(record.value.value_or(bytes_view())));
    return out;
  }
};

TEST_F(Accumulator, NothingLeavesBeforeThereIsAnIdentity) {
  add();
  time += 5ms;
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(batches().needs_identity());
  begin();
  const auto batch = take_one();
  EXPECT_EQ(wire::batch_view(batch->bytes).producer_id(), producer_id(7));
  EXPECT_TRUE(wire::batch_view(batch->bytes).is_crc_ok());
}

TEST_F(Accumulator, LingersUntilTheTimeOrTheSizeIsReached) {
  begin();
  add();
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(batches().next_deadline(time), time + 5ms);
  time += 5ms;
  auto lingered = take_one();
  EXPECT_EQ(lingered->count(), 1);
  answer(std::move(lingered), errc::none);
  add(100);
  const auto full = take_one();
  EXPECT_GT(full->count(), 1) << "a full batch doesn't wait";
  EXPECT_LE(full->bytes.size(), 300U);
}

TEST_F(Accumulator, WakesTheSenderOnlyWhenItWouldComeTooLate) {
  begin();
  EXPECT_EQ(append(*first, "a"), accumulator::appended::wake) << "the first record starts a linger";
  EXPECT_EQ(append(*first, "b"), accumulator::appended::quietly);
  keep(take());
  ASSERT_EQ(batches().next_deadline(time), time + 5ms);
  time += 1ms;
  EXPECT_EQ(append(*second, "a"), accumulator::appended::quietly) << "somebody looks before it has lingered";
  std::string large(200, 'x');
  EXPECT_EQ(append(*second, large), accumulator::appended::quietly);
  EXPECT_EQ(append(*second, large), accumulator::appended::wake) << "a batch is full";
}

TEST_F(Accumulator, WhatComesInWhileTheSenderLooksIsFoundWithoutWakingIt) {
  begin();
  keep(take());
  EXPECT_EQ(append(*first, std::string(400, 'x')), accumulator::appended::quietly);
  static_cast<void>(batches().next_deadline(time));
  EXPECT_TRUE(batches().has_news());
}

TEST_F(Accumulator, NumbersBatchesInOrder) {
  begin();
  auto before = add_and_take();
  EXPECT_EQ(sequence(before), 0);
  answer(std::move(before), errc::none);
  add(2);
  time += 5ms;
  const auto after = take_one();
  EXPECT_EQ(sequence(after), 1);
  EXPECT_EQ(after->count(), 2);
}

TEST_F(Accumulator, LanesDontWaitForOneAnother) {
  begin();
  ASSERT_TRUE(append(*first, "a"));
  ASSERT_TRUE(append(*second, "b"));
  closed_roads.insert(first);
  time += 5ms;
  EXPECT_EQ(take_and_keep()->lane, second);
  closed_roads.clear();
  EXPECT_EQ(take_and_keep()->lane, first);
}

TEST_F(Accumulator, TheFirstBatchOfAnEpochGoesAlone) {
  begin();
  auto head = add_and_take();
  add();
  time += 5ms;
  EXPECT_TRUE(take().empty()) << "a broker that doesn't know the producer would take any number";
  answer(std::move(head), errc::not_leader_or_follower);
  time += 100ms;
  head = take_one();
  EXPECT_EQ(sequence(head), 0);
  EXPECT_TRUE(take().empty());
  answer(std::move(head), errc::none);
  EXPECT_EQ(sequence(take_and_keep()), 1);
}

TEST_F(Accumulator, NoMoreThanSoManyOnTheirWay) {
  options.in_flight_max = 2;
  begin();
  answer(add_and_take(), errc::none);
  std::vector<batch_ptr> sent;
  for (int i = 0; i < 2; ++i) sent.push_back(add_and_take());
  add();
  time += 5ms;
  EXPECT_TRUE(take().empty());
  answer(std::move(sent[0]), errc::none);
  EXPECT_EQ(keep(take()), 1U);
}

TEST_F(Accumulator, RepeatsInOrderOneAtATimeBeforeAnythingNew) {
  begin();
  answer(add_and_take(), errc::none);
  std::vector<batch_ptr> sent;
  for (int i = 0; i < 3; ++i) sent.push_back(add_and_take());
  add();
  time += 5ms;
  // The second comes back first: the first was lost, so the broker saw a gap.
  answer(std::move(sent[1]), errc::out_of_order_sequence_number);
  EXPECT_TRUE(take().empty());
  answer(std::move(sent[0]), errc::not_leader_or_follower);
  answer(std::move(sent[2]), errc::out_of_order_sequence_number);
  EXPECT_TRUE(take().empty()) << "not before the back-off has passed";
  time += 100ms;
  for (const std::int32_t expected : {1, 2, 3, 4}) {
    auto batch = take_one();
    EXPECT_EQ(sequence(batch), expected);
    EXPECT_EQ(epoch(batch), producer_epoch(0));
    if (expected < 3) EXPECT_TRUE(take().empty());
    answer(std::move(batch), errc::none);
  }
  EXPECT_EQ(finished.size(), 5U);
  EXPECT_TRUE(batches().is_idle());
}

TEST_F(Accumulator, ADuplicateIsDelivered) {
  begin();
  answer(add_and_take(), errc::duplicate_sequence_number);
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].outcome.error.code, errc::none);
}

TEST_F(Accumulator, AGapAtTheFrontBeginsTheNextEpochOnceNothingIsOnItsWay) {
  begin();
  answer(add_and_take(), errc::none);
  auto lost = add_and_take();
  auto behind = add_and_take();
  answer(std::move(lost), errc::out_of_order_sequence_number);
  time += 100ms;
  EXPECT_TRUE(take().empty()) << "the other is still on its way with the old number";
  answer(std::move(behind), errc::out_of_order_sequence_number);
  time += 100ms;
  auto again = take_one();
  EXPECT_EQ(epoch(again), producer_epoch(1));
  EXPECT_EQ(sequence(again), 0);
  EXPECT_TRUE(wire::batch_view(again->bytes).is_crc_ok());
  answer(std::move(again), errc::none);
  auto then = take_one();
  EXPECT_EQ(epoch(then), producer_epoch(1));
  EXPECT_EQ(sequence(then), 1);
  answer(std::move(then), errc::none);
  EXPECT_EQ(finished.size(), 3U);
}

TEST_F(Accumulator, OtherPartitionsKeepTheirEpoch) {
  begin();
  answer(add_and_take(), errc::unknown_producer_id);
  time += 100ms;
  EXPECT_EQ(epoch(take_and_keep()), producer_epoch(1));
  ASSERT_TRUE(append(*second, "a"));
  time += 5ms;
  EXPECT_EQ(epoch(take_and_keep()), producer_epoch(0));
}

TEST_F(Accumulator, AnEpochThatIsRefusedNeedsAnotherIdentity) {
  begin();
  answer(add_and_take(), errc::invalid_producer_epoch);
  EXPECT_TRUE(batches().needs_identity());
  time += 100ms;
  EXPECT_TRUE(take().empty());
  batches().set_identity({producer_id(8), producer_epoch(0)});
  const auto again = take_one();
  EXPECT_EQ(wire::batch_view(again->bytes).producer_id(), producer_id(8));
  EXPECT_EQ(sequence(again), 0);
}

TEST_F(Accumulator, ARefusedBatchKeepsItsNumbersUntilTheBrokerComplains) {
  begin();
  answer(add_and_take(), errc::invalid_record);
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].outcome.error.code, errc::invalid_record);
  auto next = add_and_take();
  EXPECT_EQ(sequence(next), 1);
  answer(std::move(next), errc::out_of_order_sequence_number);
  time += 100ms;
  const auto again = take_one();
  EXPECT_EQ(sequence(again), 0);
  EXPECT_EQ(epoch(again), producer_epoch(1));
}

TEST_F(Accumulator, WhatTimedOutOnItsWayIsToldSoAndTheNextNumberFitsIfItCameAfterAll) {
  begin();
  auto lost = add_and_take();
  time += 1s;
  EXPECT_TRUE(take().empty());
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].outcome.error.code, errc::timed_out);
  EXPECT_EQ(finished[0].batch->count(), 1);
  answer(std::move(lost), errc::network_exception);
  ASSERT_EQ(finished.size(), 2U);
  EXPECT_EQ(finished[1].batch->count(), 0) << "nobody is told twice";
  auto next = add_and_take();
  EXPECT_EQ(sequence(next), 1);
  EXPECT_EQ(epoch(next), producer_epoch(0));
}

TEST_F(Accumulator, GivesUpAfterTheDeliveryTimeoutWhereThereIsNoLeader) {
  begin();
  closed_roads = {first, second};
  add();
  time += 10ms;
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(finished.empty());
  EXPECT_GT(batches().next_deadline(time), time) << "waiting for a leader must not spin";
  time += 1s;
  EXPECT_TRUE(take().empty());
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].outcome.error.code, errc::timed_out);
  EXPECT_TRUE(batches().is_idle());
}

TEST_F(Accumulator, GivesUpAfterSoManyRetries) {
  options.retries = 1;
  begin();
  answer(add_and_take(), errc::network_exception);
  time += 100ms;
  EXPECT_TRUE(finished.empty());
  answer(take_one(), errc::network_exception);
  EXPECT_EQ(finished.size(), 1U);
}

TEST_F(Accumulator, ABatchThatIsTooLargeIsSentInTwoWithTheSameNumbers) {
  options.batch_bytes = 4096;
  begin();
  answer(add_and_take(), errc::none);
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(append(*first, "value-" + std::to_string(i), 100 + static_cast<std::uint64_t>(i)));
  time += 5ms;
  auto whole = take_one();
  auto behind = add_and_take();
  EXPECT_EQ(sequence(behind), 6);
  answer(std::move(whole), errc::message_too_large);
  EXPECT_TRUE(take().empty()) << "one is still on its way";
  answer(std::move(behind), errc::out_of_order_sequence_number);
  time += 100ms;
  auto one = take_one();
  EXPECT_EQ(sequence(one), 1);
  EXPECT_EQ(values(one->bytes), (std::vector<std::string>{"value-0", "value-1"}));
  EXPECT_EQ(one->tags, (std::vector<std::uint64_t>{100, 101}));
  answer(std::move(one), errc::none);
  auto two = take_one();
  EXPECT_EQ(sequence(two), 3);
  EXPECT_EQ(values(two->bytes), (std::vector<std::string>{"value-2", "value-3", "value-4"}));
  answer(std::move(two), errc::none);
  EXPECT_EQ(sequence(take_and_keep()), 6);
}

TEST_F(Accumulator, ASingleRecordThatIsTooLargeFails) {
  begin();
  answer(add_and_take(), errc::message_too_large);
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].outcome.error.code, errc::message_too_large);
}

TEST_F(Accumulator, AFlushWaitsForWhatWasThereAndLingersNoMore) {
  begin();
  answer(add_and_take(), errc::none);
  add();
  const auto round = batches().begin_flush();
  EXPECT_FALSE(batches().is_flushed(round));
  auto batch = take_one();
  add();
  auto later = take_one();
  answer(std::move(batch), errc::none);
  EXPECT_TRUE(batches().is_flushed(round)) << "the second came after the flush";
  batches().end_flush();
  answer(std::move(later), errc::none);
  add();
  EXPECT_TRUE(take().empty()) << "now it lingers again";
}

TEST_F(Accumulator, AFlushWaitsForRepeats) {
  begin();
  auto batch = add_and_take();
  const auto round = batches().begin_flush();
  answer(std::move(batch), errc::network_exception);
  EXPECT_FALSE(batches().is_flushed(round));
  time += 100ms;
  answer(take_one(), errc::none);
  EXPECT_TRUE(batches().is_flushed(round));
}

TEST_F(Accumulator, MemoryIsBoundedAndComesFreeWithTheReports) {
  options.buffer_memory_bytes = 600;
  options.linger = 1h;
  begin();
  const std::string value(200, 'x');
  result<accumulator::appended> last = accumulator::appended::quietly;
  int taken = 0;
  while ((last = append(*first, value))) ++taken;
  EXPECT_EQ(last.error().code, errc::would_block);
  EXPECT_EQ(taken, 2);
  EXPECT_LE(batches().budget().used(), 600U);
  {
    const memory_budget::waiter waiting(batches().budget());
    answer(take_one(), errc::none);
    answer(take_one(), errc::none);
  }
  ASSERT_EQ(finished.size(), 2U) << "nothing lingers where somebody waits for memory";
  for (auto& done : finished) batches().recycle(std::move(done.batch));
  EXPECT_EQ(batches().budget().used(), 0U);
  EXPECT_TRUE(append(*first, value));
}

TEST_F(Accumulator, DroppingGivesUpWhatWaitsAndAbandoningWhatIsOnItsWay) {
  begin();
  auto sent = add_and_take();
  add();
  batches().drop_waiting({errc::cancelled, {}}, finished);
  ASSERT_EQ(finished.size(), 1U);
  batches().abandon_in_flight({errc::cancelled, {}}, finished);
  ASSERT_EQ(finished.size(), 2U);
  EXPECT_EQ(finished[1].batch->count(), 1);
  answer(std::move(sent), errc::none);
  EXPECT_EQ(finished.back().batch->count(), 0);
  EXPECT_TRUE(batches().is_idle());
}

TEST_F(Accumulator, AfterShutOnlyWhatWasKeptComesIn) {
  begin();
  batches().shut();
  EXPECT_EQ(append(*first, "a").error().code, errc::closed);
  EXPECT_TRUE(batches().append(*first, {.timestamp_ms = 1}, {}, *this, accumulator::source::kept));
}

TEST_F(Accumulator, TimestampsFarApartGoIntoBatchesOfTheirOwn) {
  begin();
  answer(add_and_take(), errc::none);
  ASSERT_TRUE(append(*first, "a", 1, 0));
  ASSERT_TRUE(append(*first, "b", 2, std::int64_t{1} << 40U));
  time += 5ms;
  EXPECT_EQ(take_and_keep()->timestamp_ms(0), 0);
  EXPECT_EQ(take_and_keep()->timestamp_ms(0), std::int64_t{1} << 40U);
}

TEST_F(Accumulator, CompressedBatchesHoldTheSameRecordsEachTimeTheyAreUsed) {
  options.compression = wire::compression::of(wire::codec::lz4);
  begin();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(append(*first, std::string(100, 'z')));
    time += 5ms;
    auto batch = take_one();
    EXPECT_EQ(wire::batch_view(batch->bytes).compression(), wire::codec::lz4);
    EXPECT_EQ(values(batch->bytes), std::vector<std::string>{std::string(100, 'z')});
    answer(std::move(batch), errc::none);
    batches().recycle(std::move(finished.back().batch));
    finished.clear();
  }
}

struct PlainAccumulator : Accumulator {
  PlainAccumulator() : Accumulator(false) {}
};

TEST_F(PlainAccumulator, NeedsNoIdentityAndRepeatsInOrder) {
  EXPECT_FALSE(batches().needs_identity());
  auto one = add_and_take();
  auto two = add_and_take();
  EXPECT_EQ(sequence(one), wire::no_sequence);
  const auto* const first_sent = one.get();
  answer(std::move(two), errc::network_exception);
  answer(std::move(one), errc::network_exception);
  time += 100ms;
  EXPECT_EQ(take_one().get(), first_sent);
}

}  // namespace
}  // namespace moldau::client
