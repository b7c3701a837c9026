#include "broker/memory_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rt/spawn.hpp"

namespace moldau::broker {
namespace {

using share = memory_budget::share;

rt::task<void> take(memory_budget& from, std::size_t bytes, std::vector<std::size_t>& order) {
  share mine;
  co_await from.take(bytes, mine);
  order.push_back(bytes);
}
rt::task<void> grow(memory_budget& from, std::size_t bytes, share& mine, std::vector<std::size_t>& order) {
  if (!from.try_grow(bytes, mine)) co_await from.grow(bytes, mine);
  order.push_back(bytes);
}
void give_back(memory_budget& to, std::size_t bytes) {
  to.give_back({.bytes = bytes});
}

TEST(MemoryBudget, GivesAtOnceWhileSomethingIsLeft) {
  memory_budget budget(100);
  std::vector<std::size_t> taken;
  rt::spawn(take(budget, 60, taken));
  rt::spawn(take(budget, 39, taken));
  EXPECT_EQ(taken, (std::vector<std::size_t>{60, 39}));
  EXPECT_EQ(budget.left_bytes(), 1);
}

TEST(MemoryBudget, LetsOthersWaitUntilSomethingIsLeft) {
  memory_budget budget(100);
  std::vector<std::size_t> taken;
  rt::spawn(take(budget, 5000, taken));
  rt::spawn(take(budget, 1, taken));
  EXPECT_TRUE(budget.is_short());
  give_back(budget, 4900);
  EXPECT_TRUE(budget.is_short()) << "nothing is left yet";
  give_back(budget, 100);
  EXPECT_FALSE(budget.is_short());
  EXPECT_EQ(taken, (std::vector<std::size_t>{5000, 1}));
}

TEST(MemoryBudget, TakesBackAPartOfWhatARequestHolds) {
  memory_budget budget(100);
  std::vector<std::size_t> taken;
  share mine;
  budget.charge(150, mine);
  rt::spawn(take(budget, 1, taken));
  budget.shrink(60, mine);
  EXPECT_EQ(taken, (std::vector<std::size_t>{1}));
  EXPECT_EQ(mine.bytes, 90U);
  budget.give_back(mine);
  EXPECT_EQ(budget.left_bytes(), 99);
}

TEST(MemoryBudget, ServesThoseWhoWaitInTheirOrder) {
  memory_budget budget(10);
  std::vector<std::size_t> taken;
  for (const std::size_t bytes : {10, 30, 2, 3}) rt::spawn(take(budget, bytes, taken));
  give_back(budget, 10);
  EXPECT_EQ(taken, (std::vector<std::size_t>{10, 30}));
  give_back(budget, 30);
  EXPECT_EQ(taken, (std::vector<std::size_t>{10, 30, 2, 3}));
}

TEST(MemoryBudget, LetsNobodyOvertakeThoseWhoWait) {
  memory_budget budget(10);
  std::vector<std::size_t> taken;
  for (const std::size_t bytes : {15, 20, 1}) rt::spawn(take(budget, bytes, taken));
  give_back(budget, 15);
  rt::spawn(take(budget, 2, taken));
  EXPECT_EQ(taken, (std::vector<std::size_t>{15, 20}));
  give_back(budget, 20);
  EXPECT_EQ(taken, (std::vector<std::size_t>{15, 20, 1, 2}));
}

TEST(MemoryBudget, ServesThousandsWhoGiveBackAtOnce) {
  memory_budget budget(1);
  std::size_t served = 0;
  const auto take_and_give = [](memory_budget& from, std::size_t& count) -> rt::task<void> {
    share mine;
    co_await from.take(1, mine);
    ++count;
    from.give_back(mine);
  };
  std::vector<std::size_t> taken;
  rt::spawn(take(budget, 1, taken));
  for (int i = 0; i < 100'000; ++i) rt::spawn(take_and_give(budget, served));
  give_back(budget, 1);
  EXPECT_EQ(served, 100'000U);
  EXPECT_EQ(budget.left_bytes(), budget.limit_bytes());
}

TEST(MemoryBudget, IsWholeAgainWhenAllIsGivenBack) {
  memory_budget budget(10);
  std::vector<std::size_t> taken;
  for (const std::size_t bytes : {4, 8, 12}) rt::spawn(take(budget, bytes, taken));
  for (const std::size_t bytes : {4, 8, 12}) give_back(budget, bytes);
  EXPECT_EQ(budget.left_bytes(), budget.limit_bytes());
}

TEST(MemoryBudget, ChargesWithoutWaitingAndLetsOthersWaitForIt) {
  memory_budget budget(100);
  std::vector<std::size_t> order;
  share mine;
  rt::spawn(take(budget, 60, order));
  budget.charge(500, mine);
  EXPECT_EQ(budget.left_bytes(), -460);
  rt::spawn(take(budget, 1, order));
  EXPECT_EQ(order, std::vector<std::size_t>{60});
  give_back(budget, 60);
  budget.give_back(mine);
  EXPECT_EQ(order, (std::vector<std::size_t>{60, 1}));
}

TEST(MemoryBudget, LendsToOneAtATime) {
  memory_budget budget(100);
  std::vector<std::size_t> order;
  share first;
  share second;
  share third;
  rt::spawn(grow(budget, 100, first, order));
  rt::spawn(grow(budget, 500, second, order));
  rt::spawn(grow(budget, 700, third, order));
  rt::spawn(grow(budget, 600, second, order));
  EXPECT_EQ(order, (std::vector<std::size_t>{100, 500, 600})) << "who borrows already gets more";
  EXPECT_TRUE(budget.is_short());
  budget.give_back(first);
  EXPECT_EQ(order.size(), 3U);
  budget.give_back(second);
  EXPECT_EQ(order.back(), 700U);
  EXPECT_FALSE(third.borrows) << "there was enough";
  budget.give_back(third);
  EXPECT_EQ(budget.left_bytes(), budget.limit_bytes());
}

TEST(MemoryBudget, LetsWhatHasBegunComeToItsEndFirst) {
  memory_budget budget(100);
  std::vector<std::size_t> order;
  share first;
  share second;
  share third;
  rt::spawn(grow(budget, 99, first, order));
  rt::spawn(grow(budget, 98, second, order));
  rt::spawn(take(budget, 1, order));
  rt::spawn(grow(budget, 10, second, order));
  rt::spawn(grow(budget, 11, third, order));
  rt::spawn(grow(budget, 12, first, order));
  EXPECT_EQ(order, (std::vector<std::size_t>{99, 98, 10}));
  budget.give_back(second);
  EXPECT_EQ(order, (std::vector<std::size_t>{99, 98, 10, 11, 12})) << "the last of them borrows";
  budget.give_back(first);
  EXPECT_EQ(order.back(), 1U);
}

}  // namespace
}  // namespace moldau::broker
