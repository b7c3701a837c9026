#include "broker/wiring/producer_ids.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "testing/sim/simulator.hpp"

namespace moldau::broker {
namespace {

namespace sim = moldau::testing::sim;

/// Ids from a controller that gives blocks of two, or says why it can't.
class ProducerIdsTest : public ::testing::Test {
 protected:
  result<producer_id> next() { return world_.run(host_, ids_.next()); }

  sim::simulator world_{1};
  sim::host& host_ = world_.add_host("broker");
  std::int64_t given_ = 0;
  std::optional<error> refusal_;
  producer_ids ids_{host_.core(), [this]() -> rt::task<result<producer_ids::block>> {
                      if (refusal_) co_return std::unexpected<error>(*refusal_);
                      given_ += 2;
                      co_return producer_ids::block{.first = producer_id(given_), .size = 2};
                    }};
};

TEST_F(ProducerIdsTest, ComeFromOneBlockAfterAnother) {
  for (const std::int64_t expected : {2, 3, 4, 5}) EXPECT_EQ(next(), producer_id(expected));
}

TEST_F(ProducerIdsTest, AProducerIsToAskAgainWhateverKeepsTheControllerFromGivingABlock) {
  for (const errc why : {errc::disk_full, errc::kafka_storage_error, errc::stale_broker_epoch}) {
    refusal_ = error{why, "no room"};
    const auto refused = next();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::coordinator_load_in_progress);
    EXPECT_EQ(refused.error().message, "no room");
  }
  refusal_.reset();
  EXPECT_EQ(next(), producer_id(2));
}

}  // namespace
}  // namespace moldau::broker
