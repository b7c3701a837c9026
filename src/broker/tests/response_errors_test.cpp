#include "broker/response_errors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/protocol/init_producer_id_response.hpp"
#include "wire/protocol/produce_response.hpp"

namespace moldau::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ResponseErrors, ALocalCodeNeverComesToAClient) {
  wire::protocol::init_producer_id_response answer;
  answer.error_code = errc::disk_full;
  EXPECT_THAT(settle_errors(answer), ElementsAre(Pair(errc::kafka_storage_error, 1)));
  EXPECT_EQ(answer.error_code, errc::kafka_storage_error);
}

TEST(ResponseErrors, AreSettledWhereverTheyAreNested) {
  wire::protocol::produce_response answer;
  auto& partitions = answer.responses.emplace_back().partition_responses;
  partitions.emplace_back().error_code = errc::malformed;
  partitions.emplace_back().error_code = errc::none;
  partitions.emplace_back().error_code = errc::cancelled;
  EXPECT_THAT(settle_errors(answer), ElementsAre(Pair(errc::corrupt_message, 1), Pair(errc::unknown_server_error, 1)));
  EXPECT_EQ(partitions[0].error_code, errc::corrupt_message);
  EXPECT_EQ(partitions[1].error_code, errc::none);
  EXPECT_EQ(partitions[2].error_code, errc::unknown_server_error);
}

}  // namespace
}  // namespace moldau::broker
