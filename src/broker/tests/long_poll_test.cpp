#include "broker/long_poll.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "broker/tests/broker_fixture.hpp"

namespace moldau::broker {
namespace {

using namespace std::chrono_literals;

/// A poll that comes to sleep only after a look at other cores, during which anything may have happened.
class LongPollTest : public testing::broker_fixture {
 public:
  /// How long it sleeps of its hour.
  rt::duration slept() {
    shard& at = node_->shard_of(0);
    const rt::time_point begun = at.world().now();
    world_.run(broker_, long_poll::sleep(std::make_shared<long_poll>(), at, request_, begun + 1h), 0, 2h);
    return at.world().now() - begun;
  }

  peer_info peer_;
  request request_{.peer = &peer_};
};

TEST_F(LongPollTest, LastsUntilItsDeadline) {
  start();
  EXPECT_GE(slept(), 1h);
}

TEST_F(LongPollTest, IsNotBegunForAClientThatHasLeft) {
  start();
  peer_.gone = true;
  peer_.on_gone.call_all();
  EXPECT_LT(slept(), 1min);
}

TEST_F(LongPollTest, IsNotBegunByABrokerThatStops) {
  start();
  shard& at = node_->shard_of(0);
  world_.run(broker_, at.drain(at.world().now()));
  EXPECT_LT(slept(), 1min);
}

}  // namespace
}  // namespace moldau::broker
