#include "client/accumulator.hpp"

#include <gtest/gtest.h>

#include "wire/record_batch.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;

struct Accumulator : ::testing::Test {
  accumulator::options options{.batch_bytes = 300,
                               .linger = 5ms,
                               .delivery_timeout = 1s,
                               .idempotence = true,
                               .compression = {},
                               .in_flight_max = 5};
  accumulator batches{options};
  rt::time_point now{1h};
  std::vector<finished_batch> finished;
  topic_partition to{"t", partition_id(0)};

  void add(int count = 1) {
    for (int i = 0; i < count; ++i) {
      queued_record record{.topic = "t", .timestamp_ms = 1, .value = as_bytes("value"), .queued_at = now};
      ASSERT_TRUE(batches.append(to, record, now));
    }
  }
  /// One batch for each call: records that lingered long enough.
  void add_batch() {
    add();
    batches.flushing(true);
  }
  std::vector<batch_ptr> take() {
    return batches.take_ready(now, [](const topic_partition&) { return true; }, finished);
  }
  batch_ptr take_one() {
    auto out = take();
    EXPECT_EQ(out.size(), 1U);
    return out.empty() ? nullptr : std::move(out.front());
  }
  void answer(batch_ptr batch, errc code) {
    batches.on_outcome(std::move(batch), {.error = {code, {}}}, now + 100ms, finished);
  }
  static std::int32_t sequence(const batch_ptr& of) { return wire::batch_view(of->bytes).base_sequence(); }
};

TEST_F(Accumulator, NothingLeavesBeforeThereIsAnIdentity) {
  add_batch();
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(batches.needs_identity());
  batches.set_identity({producer_id(7), producer_epoch(0)});
  const auto batch = take_one();
  EXPECT_EQ(wire::batch_view(batch->bytes).producer_id(), producer_id(7));
  EXPECT_TRUE(wire::batch_view(batch->bytes).is_crc_ok());
}

TEST_F(Accumulator, LingersUntilTheTimeOrTheSizeIsReached) {
  batches.set_identity({producer_id(7), producer_epoch(0)});
  add();
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(batches.next_deadline(now), now + 5ms);
  now += 5ms;
  EXPECT_EQ(take_one()->count(), 1);
  add(100);
  EXPECT_GT(take_one()->count(), 1) << "a full batch doesn't wait";
}

TEST_F(Accumulator, NumbersBatchesInOrder) {
  batches.set_identity({producer_id(7), producer_epoch(0)});
  add_batch();
  const auto first = take_one();
  add(2);
  const auto second = take_one();
  EXPECT_EQ(sequence(first), 0);
  EXPECT_EQ(sequence(second), 1);
  EXPECT_EQ(second->count(), 2);
}

TEST_F(Accumulator, RepeatsInOrderOneAtATimeBeforeAnythingNew) {
  batches.set_identity({producer_id(7), producer_epoch(0)});
  std::vector<batch_ptr> sent;
  for (int i = 0; i < 3; ++i) {
    add_batch();
    sent.push_back(take_one());
  }
  add_batch();
  // The second comes back first: the first was lost, so the broker saw a gap.
  answer(std::move(sent[1]), errc::out_of_order_sequence_number);
  EXPECT_TRUE(take().empty());
  answer(std::move(sent[0]), errc::not_leader_or_follower);
  answer(std::move(sent[2]), errc::out_of_order_sequence_number);
  EXPECT_TRUE(take().empty()) << "not before the back-off has passed";
  now += 100ms;
  for (const std::int32_t expected : {0, 1, 2, 3}) {
    auto batch = take_one();
    EXPECT_EQ(sequence(batch), expected);
    if (expected < 2) EXPECT_TRUE(take().empty());
    answer(std::move(batch), errc::none);
  }
  EXPECT_EQ(finished.size(), 4U);
  EXPECT_TRUE(batches.is_idle());
}

TEST_F(Accumulator, ADuplicateIsDelivered) {
  batches.set_identity({producer_id(7), producer_epoch(0)});
  add_batch();
  answer(take_one(), errc::duplicate_sequence_number);
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].outcome.error.code, errc::none);
}

TEST_F(Accumulator, CountsFromZeroUnderANewIdentityAfterALostSequence) {
  batches.set_identity({producer_id(7), producer_epoch(0)});
  add_batch();
  auto first = take_one();
  add_batch();
  answer(std::move(first), errc::message_too_large);
  EXPECT_TRUE(batches.needs_identity());
  EXPECT_TRUE(take().empty());
  batches.set_identity({producer_id(8), producer_epoch(0)});
  const auto next = take_one();
  EXPECT_EQ(sequence(next), 0);
  EXPECT_EQ(wire::batch_view(next->bytes).producer_id(), producer_id(8));
}

TEST_F(Accumulator, GivesUpAfterTheDeliveryTimeoutWhereThereIsNoLeader) {
  batches.set_identity({producer_id(7), producer_epoch(0)});
  const auto nobody = [](const topic_partition&) { return false; };
  add_batch();
  now += 10ms;
  EXPECT_TRUE(batches.take_ready(now, nobody, finished).empty());
  EXPECT_TRUE(finished.empty());
  EXPECT_GT(batches.next_deadline(now), now) << "waiting for a leader must not spin";
  now += 1s;
  EXPECT_TRUE(batches.take_ready(now, nobody, finished).empty());
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].outcome.error.code, errc::timed_out);
  EXPECT_TRUE(batches.is_idle());
}

}  // namespace
}  // namespace moldau::client
