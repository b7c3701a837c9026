#include "rt_asio/loop_thread.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "rt/spawn.hpp"

namespace moldau::rt_asio {
namespace {

TEST(LoopThread, RunsItsWorldOnAThreadOfItsOwn) {
  const auto thread = start_loop_thread({});
  EXPECT_FALSE(thread->is_this_thread());
  std::promise<bool> inside;
  thread->world().post([&] { inside.set_value(thread->is_this_thread()); });
  EXPECT_TRUE(inside.get_future().get());
}

TEST(LoopThread, DropsWhatWaitsWhenItEnds) {
  auto thread = start_loop_thread({});
  const auto held = std::make_shared<int>(0);
  std::promise<void> set;
  rt::world& world = thread->world();
  world.post([&, held] {
    // It holds something, and sleeps for years.
    rt::spawn([](rt::world& on, std::shared_ptr<int>) -> rt::task<void> {
      co_await on.sleep_for(std::chrono::hours(24 * 365));
    }(world, held));
    set.set_value();
  });
  set.get_future().get();
  EXPECT_GT(held.use_count(), 1);
  thread.reset();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(LoopThread, MayEndOnItself) {
  auto thread = start_loop_thread({});
  rt::world& world = thread->world();
  std::promise<void> ended;
  world.post([mine = std::make_shared<std::unique_ptr<rt::loop_thread>>(std::move(thread)), &ended] {
    mine->reset();
    ended.set_value();
  });
  ended.get_future().get();
}

/// Keeps the last line.
class last_line final : public base::log_sink {
 public:
  explicit last_line(std::promise<std::string>& to) : to_(to) {}
  void write(base::log_level, std::string_view component, std::string_view message) override {
    to_.set_value(std::string(component) + ": " + std::string(message));
  }

 private:
  std::promise<std::string>& to_;
};

TEST(LoopThread, LogsWhereItIsTold) {
  std::promise<std::string> line;
  const auto thread = start_loop_thread({.log = std::make_shared<last_line>(line)});
  thread->world().post([&] { thread->world().log().named("test").debug("hello {}", 1); });
  EXPECT_EQ(line.get_future().get(), "test: hello 1");
}

}  // namespace
}  // namespace moldau::rt_asio
