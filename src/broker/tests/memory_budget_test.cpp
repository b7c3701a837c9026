#include "broker/memory_budget.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rt/spawn.hpp"

namespace moldau::broker {
namespace {

rt::task<void> take(memory_budget& from, std::size_t bytes, std::vector<std::size_t>& order) {
  co_await from.take(bytes);
  order.push_back(bytes);
}

TEST(MemoryBudget, GivesAtOnceWhileSomethingIsLeft) {
  memory_budget budget(100);
  std::vector<std::size_t> taken;
  rt::spawn(take(budget, 60, taken));
  rt::spawn(take(budget, 39, taken));
  EXPECT_EQ(taken, (std::vector<std::size_t>{60, 39}));
  EXPECT_EQ(budget.left_bytes(), 1);
}

TEST(MemoryBudget, LetsARequestThroughThatIsLargerThanAll) {
  memory_budget budget(100);
  std::vector<std::size_t> taken;
  rt::spawn(take(budget, 5000, taken));
  EXPECT_EQ(taken, std::vector<std::size_t>{5000});
  EXPECT_EQ(budget.left_bytes(), -4900);
}

TEST(MemoryBudget, LetsOthersWaitUntilSomethingIsLeft) {
  memory_budget budget(100);
  std::vector<std::size_t> taken;
  rt::spawn(take(budget, 5000, taken));
  rt::spawn(take(budget, 1, taken));
  EXPECT_TRUE(budget.is_short());
  budget.give_back(4900);
  EXPECT_TRUE(budget.is_short()) << "nothing is left yet";
  budget.give_back(100);
  EXPECT_FALSE(budget.is_short());
  EXPECT_EQ(taken, (std::vector<std::size_t>{5000, 1}));
}

TEST(MemoryBudget, ServesThoseWhoWaitInTheirOrder) {
  memory_budget budget(10);
  std::vector<std::size_t> taken;
  rt::spawn(take(budget, 10, taken));
  rt::spawn(take(budget, 30, taken));
  rt::spawn(take(budget, 2, taken));
  rt::spawn(take(budget, 3, taken));
  budget.give_back(10);
  EXPECT_EQ(taken, (std::vector<std::size_t>{10, 30}));
  budget.give_back(30);
  EXPECT_EQ(taken, (std::vector<std::size_t>{10, 30, 2, 3}));
}

TEST(MemoryBudget, LetsNobodyOvertakeThoseWhoWait) {
  memory_budget budget(10);
  std::vector<std::size_t> taken;
  rt::spawn(take(budget, 15, taken));
  rt::spawn(take(budget, 20, taken));
  rt::spawn(take(budget, 1, taken));
  budget.give_back(15);
  rt::spawn(take(budget, 2, taken));
  EXPECT_EQ(taken, (std::vector<std::size_t>{15, 20}));
  budget.give_back(20);
  EXPECT_EQ(taken, (std::vector<std::size_t>{15, 20, 1, 2}));
}

TEST(MemoryBudget, ServesThousandsWhoGiveBackAtOnce) {
  memory_budget budget(1);
  std::size_t served = 0;
  const auto take_and_give = [](memory_budget& from, std::size_t& count) -> rt::task<void> {
    co_await from.take(1);
    ++count;
    from.give_back(1);
  };
  rt::spawn([](memory_budget& from) -> rt::task<void> { co_await from.take(1); }(budget));
  for (int i = 0; i < 100'000; ++i) rt::spawn(take_and_give(budget, served));
  budget.give_back(1);
  EXPECT_EQ(served, 100'000U);
  EXPECT_EQ(budget.left_bytes(), budget.limit_bytes());
}

TEST(MemoryBudget, IsWholeAgainWhenAllIsGivenBack) {
  memory_budget budget(10);
  std::vector<std::size_t> taken;
  for (const std::size_t bytes : {4, 8, 12}) rt::spawn(take(budget, bytes, taken));
  for (const std::size_t bytes : {4, 8, 12}) budget.give_back(bytes);
  EXPECT_EQ(budget.left_bytes(), budget.limit_bytes());
}

TEST(MemoryBudget, ChargesWithoutWaitingAndLetsOthersWaitForIt) {
  memory_budget budget(100);
  std::vector<std::size_t> order;
  rt::spawn(take(budget, 60, order));
  budget.charge(500);
  EXPECT_EQ(budget.left_bytes(), -460);
  rt::spawn(take(budget, 1, order));
  EXPECT_EQ(order, std::vector<std::size_t>{60});
  budget.give_back(560);
  EXPECT_EQ(order, (std::vector<std::size_t>{60, 1}));
}

}  // namespace
}  // namespace moldau::broker
