#include <gtest/gtest.h>

#include <thread>

#include "client/accumulator.hpp"

namespace moldau::client {
namespace {

using namespace std::chrono_literals;

constexpr int senders = 4;
constexpr int records_each = 5'000;
constexpr int lanes = 3;

/// The sending thread's side: answers every batch as delivered, and notes the tags of each lane in their order.
struct delivering final : road, clock {
  accumulator batches{{.batch_bytes = 512, .linger = 1ms, .delivery_timeout = 1h, .buffer_memory_bytes = 8 * 1024}};
  std::map<const partition_lane*, std::vector<std::uint64_t>> delivered;
  std::vector<batch_ptr> loaded;
  std::atomic<bool> woken = false;

  rt::time_point now() const override { return std::chrono::steady_clock::now(); }
  bool is_open(partition_lane&, std::size_t) override { return true; }
  void load(batch_ptr batch) override { loaded.push_back(std::move(batch)); }

  std::size_t look() {
    std::vector<finished_batch> finished;
    while (batches.take_ready(now(), *this, finished) > 0) {
      for (batch_ptr& batch : std::exchange(loaded, {})) {
        batches.on_outcome(std::move(batch), {.error = {errc::none, {}}}, {}, finished);
      }
    }
    std::size_t count = 0;
    for (finished_batch& done : finished) {
      auto& to = delivered[done.batch->lane];
      to.insert(to.end(), done.batch->tags.begin(), done.batch->tags.end());
      count += done.batch->tags.size();
      batches.recycle(std::move(done.batch));
    }
    static_cast<void>(batches.next_deadline(now()));
    return count;
  }
};

/// Sends its numbers round the lanes, waiting where memory has run out.
void send(delivering& to, const std::vector<partition_lane*>& into, std::uint64_t who) {
  for (std::uint64_t i = 0; i < records_each; ++i) {
    const std::string value(20 + i % 50, 'x');
    while (true) {
      const auto added = to.batches.append(*into[i % lanes], {.timestamp_ms = 1, .value = as_bytes(value)},
                                           {.tag = who << 32U | i}, to);
      if (added) {
        if (*added == accumulator::appended::wake) to.woken = true;
        break;
      }
      ASSERT_EQ(added.error().code, errc::would_block);
      const memory_budget::waiter waiting(to.batches.budget());
      to.woken = true;
      ASSERT_TRUE(to.batches.budget().wait(200, to.now() + 1min));
    }
  }
}

TEST(AccumulatorThreads, EachSendersRecordsArriveOnceAndInOrder) {
  delivering to;
  std::vector<partition_lane*> into;
  for (int i = 0; i < lanes; ++i) into.push_back(&to.batches.add_lane("t", partition_id(i)));
  to.batches.set_identity({producer_id(1), producer_epoch(0)});
  std::vector<std::jthread> threads;
  for (std::uint64_t who = 0; who < senders; ++who) threads.emplace_back([&, who] { send(to, into, who); });
  std::size_t got = 0;
  const auto give_up = to.now() + 2min;
  while (got < senders * records_each && to.now() < give_up) {
    got += to.look();
    std::this_thread::yield();
  }
  ASSERT_EQ(got, static_cast<std::size_t>(senders * records_each));
  for (const auto& [lane, tags] : to.delivered) {
    std::map<std::uint64_t, std::uint64_t> last;
    for (const std::uint64_t tag : tags) {
      const auto before = last.find(tag >> 32U);
      if (before != last.end()) ASSERT_LT(before->second, tag);
      last[tag >> 32U] = tag;
    }
  }
  EXPECT_EQ(to.batches.budget().used(), 0U);
}

}  // namespace
}  // namespace moldau::client
