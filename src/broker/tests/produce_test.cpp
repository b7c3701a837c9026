#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "broker/tests/broker_fixture.hpp"
#include "wire/batch_builder.hpp"
#include "wire/protocol/find_coordinator_request.hpp"
#include "wire/protocol/find_coordinator_response.hpp"
#include "wire/protocol/init_producer_id_request.hpp"
#include "wire/protocol/init_producer_id_response.hpp"

namespace moldau::broker {
namespace {

using testing::batch_of;
using testing::broker_fixture;
using ::testing::HasSubstr;
namespace protocol = wire::protocol;

class ProduceTest : public broker_fixture {
 protected:
  shared_bytes batch(const wire::batch_options& options, std::initializer_list<std::int64_t> timestamps,
                     std::size_t value_bytes = 3) {
    wire::batch_builder builder;
    builder.begin(options);
    const std::string value(value_bytes, 'v');
    for (const std::int64_t at : timestamps) EXPECT_TRUE(builder.append(at, std::nullopt, as_bytes(value)));
    wire::codec_context context;
    return *builder.finish(context);
  }
  shared_bytes idempotent(producer_id id, std::int16_t epoch, std::int32_t sequence, int records = 1) {
    wire::batch_builder builder;
    builder.begin({.producer_id = id, .producer_epoch = producer_epoch(epoch), .base_sequence = sequence});
    for (int i = 0; i < records; ++i) EXPECT_TRUE(builder.append(client_.wall_ms(), std::nullopt, as_bytes("v")));
    wire::codec_context context;
    return *builder.finish(context);
  }
  produced produce_to(std::string_view topic, const shared_bytes& batch, std::int16_t version = 9) {
    return produce(produce_request(topic, batch), version);
  }
  producer_id new_producer() {
    protocol::init_producer_id_request request;
    request.transactional_id = std::nullopt;
    request.transaction_timeout_ms = 1000;
    const auto reply = ask<protocol::init_producer_id_response>(request, 4);
    EXPECT_EQ(reply.message.error_code, errc::none);
    EXPECT_EQ(reply.message.producer_epoch, producer_epoch(0));
    return reply.message.producer_id;
  }
};

TEST_F(ProduceTest, RefusesAnUnknownTopicAndPartition) {
  start("auto.create.topics.enable=false\n");
  ASSERT_EQ(create_topic("orders"), errc::none);
  EXPECT_EQ(produce_values("nothing", {"a"}).error, errc::unknown_topic_or_partition);
  const shared_bytes one = batch_of({"a"}, client_.wall_ms());
  EXPECT_EQ(produce(produce_request("orders", one, -1, 7)).error, errc::unknown_topic_or_partition);
}

TEST_F(ProduceTest, RefusesAcksThatDoNotExist) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  EXPECT_EQ(produce_values("orders", {"a"}, 2).error, errc::invalid_required_acks);
}

TEST_F(ProduceTest, RefusesInternalTopics) {
  start();
  ASSERT_EQ(create_topic("__consumer_offsets"), errc::none);
  EXPECT_EQ(produce_values("__consumer_offsets", {"a"}).error, errc::invalid_topic_exception);
}

TEST_F(ProduceTest, RefusesACorruptBatch) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  shared_bytes spoilt = batch_of({"value"}, client_.wall_ms());
  spoilt.writable().back() ^= std::byte{1};
  EXPECT_EQ(produce_to("orders", spoilt).error, errc::corrupt_message);
  EXPECT_EQ(produce_values("orders", {"a"}).base, offset(0)) << "nothing of it was appended";
}

TEST_F(ProduceTest, RefusesABatchLargerThanTheTopicTakes) {
  start();
  ASSERT_EQ(create_topic("orders", 1, {{"max.message.bytes", "500"}}), errc::none);
  const produced large = produce_to("orders", batch({}, {client_.wall_ms()}, 600));
  EXPECT_EQ(large.error, errc::message_too_large);
  EXPECT_THAT(large.message, HasSubstr("orders-0"));
  EXPECT_EQ(produce_to("orders", batch({}, {client_.wall_ms()}, 100)).error, errc::none);
}

TEST_F(ProduceTest, NamesThePartitionOfABadRecordWhetherPackedOrNot) {
  start();
  ASSERT_EQ(create_topic("keyed", 3, {{"cleanup.policy", "compact"}}), errc::none);
  for (const wire::codec codec : {wire::codec::none, wire::codec::gzip}) {
    const shared_bytes without_keys = batch({.compression = wire::compression::of(codec)}, {client_.wall_ms()});
    const produced refused = produce(produce_request("keyed", without_keys, -1, 2));
    EXPECT_EQ(refused.error, errc::invalid_record);
    ASSERT_EQ(refused.record_errors.size(), 1U);
    EXPECT_THAT(refused.record_errors.front().second, HasSubstr("keyed-2"));
  }
}

TEST_F(ProduceTest, RefusesTransactions) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const shared_bytes plain = batch_of({"a"}, client_.wall_ms());
  auto request = produce_request("orders", plain);
  request.transactional_id = "payments";
  const produced refused = produce(request);
  EXPECT_EQ(refused.error, errc::unsupported_version);
  EXPECT_THAT(refused.message, HasSubstr("no transactions"));
  const shared_bytes transactional = batch({.producer_id = producer_id(5),
                                            .producer_epoch = producer_epoch(0),
                                            .base_sequence = 0,
                                            .is_transactional = true},
                                           {client_.wall_ms()});
  EXPECT_EQ(produce_to("orders", transactional).error, errc::unsupported_version);
}

TEST_F(ProduceTest, ClosesTheConnectionWhenNobodyHearsTheError) {
  start("auto.create.topics.enable=false\n");
  const shared_bytes one = batch_of({"a"}, client_.wall_ms());
  const auto ended = on_client([](ProduceTest& test, const shared_bytes& batch) -> rt::task<bool> {
    auto client = co_await testing::test_client::connect(test.client_.core(), {"broker", 9092});
    EXPECT_TRUE(co_await client->send(testing::test_client::frame_of(produce_request("nothing", batch, 0), 9, 1)));
    co_return !co_await client->receive_frame();
  }(*this, one));
  EXPECT_TRUE(ended);
}

TEST_F(ProduceTest, AppendsWithoutAnAnswerForAcksZero) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const shared_bytes one = batch_of({"a"}, client_.wall_ms());
  const auto next = on_client([](ProduceTest& test, const shared_bytes& batch) -> rt::task<offset> {
    auto client = co_await testing::test_client::connect(test.client_.core(), {"broker", 9092});
    EXPECT_TRUE(co_await client->send(testing::test_client::frame_of(produce_request("orders", batch, 0), 9, 1)));
    auto reply = co_await client->call<protocol::produce_response>(produce_request("orders", batch, 1), 9);
    EXPECT_TRUE(reply);
    co_return reply ? outcome_of(reply->message).base : no_offset;
  }(*this, one));
  EXPECT_EQ(next, offset(1));
}

TEST_F(ProduceTest, WantsAsManyReplicasInSyncAsTheTopicSays) {
  start();
  ASSERT_EQ(create_topic("orders", 1, {{"min.insync.replicas", "2"}}), errc::none);
  EXPECT_EQ(produce_values("orders", {"a"}, -1).error, errc::not_enough_replicas);
  EXPECT_EQ(produce_values("orders", {"a"}, 1).error, errc::none) << "acks=1 asks for no other";
}

TEST_F(ProduceTest, NamesTheRecordsWhoseTimestampsAreTooFarAhead) {
  start();
  ASSERT_EQ(create_topic("orders", 1, {{"message.timestamp.after.max.ms", "1000"}}), errc::none);
  const std::int64_t now = client_.wall_ms();
  const produced refused = produce_to("orders", batch({}, {now, now + 3'600'000, now}));
  EXPECT_EQ(refused.error, errc::invalid_timestamp);
  ASSERT_EQ(refused.record_errors.size(), 1U);
  EXPECT_EQ(refused.record_errors[0].first, 1);
  EXPECT_NE(refused.record_errors[0].second, "");
}

TEST_F(ProduceTest, RefusesTimestampsTooFarBehind) {
  start();
  ASSERT_EQ(create_topic("orders", 1, {{"message.timestamp.before.max.ms", "1000"}}), errc::none);
  EXPECT_EQ(produce_to("orders", batch({}, {client_.wall_ms() - 60'000})).error, errc::invalid_timestamp);
}

TEST_F(ProduceTest, StampsWithTheBrokersTimeWhereTheTopicSaysSo) {
  start();
  ASSERT_EQ(create_topic("orders", 1, {{"message.timestamp.type", "LogAppendTime"}}), errc::none);
  const produced done = produce_to("orders", batch({}, {5}));
  EXPECT_EQ(done.error, errc::none);
  EXPECT_GE(done.log_append_time_ms, 1'700'000'000'000);
}

TEST_F(ProduceTest, TellsNoAppendTimeWhereTheProducersTimeCounts) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  EXPECT_EQ(produce_values("orders", {"a"}).log_append_time_ms, -1);
}

TEST_F(ProduceTest, WantsKeysInACompactedTopic) {
  start();
  ASSERT_EQ(create_topic("orders", 1, {{"cleanup.policy", "compact"}}), errc::none);
  const produced refused = produce_values("orders", {"a"});
  EXPECT_EQ(refused.error, errc::invalid_record);
  EXPECT_EQ(refused.record_errors.size(), 1U);
}

TEST_F(ProduceTest, RefusesABatchThatUnpacksToMoreThanARequestMayHave) {
  start("socket.request.max.bytes=100000\n");
  ASSERT_EQ(create_topic("orders", 1, {{"cleanup.policy", "compact"}}), errc::none);
  const auto packed = [this](std::size_t value_bytes, int records) {
    wire::batch_builder builder;
    builder.begin({.compression = wire::compression::of(wire::codec::zstd)});
    const std::string value(value_bytes, 'v');
    for (int i = 0; i < records; ++i) {
      EXPECT_TRUE(builder.append(client_.wall_ms(), as_bytes("k"), as_bytes(value)));
    }
    wire::codec_context context;
    return *builder.finish(context);
  };
  EXPECT_EQ(produce_to("orders", packed(200'000, 1)).error, errc::message_too_large);
  EXPECT_EQ(produce_to("orders", packed(30'000, 4)).error, errc::message_too_large);
  const produced taken = produce_to("orders", packed(30'000, 3));
  EXPECT_EQ(taken.error, errc::none);
  EXPECT_EQ(taken.base, offset(0));
}

TEST_F(ProduceTest, RefusesZstdFromClientsOlderThanIt) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const shared_bytes packed = batch({.compression = wire::compression::of(wire::codec::zstd)}, {client_.wall_ms()});
  EXPECT_EQ(produce_to("orders", packed, 6).error, errc::unsupported_compression_type);
  EXPECT_EQ(produce_to("orders", packed, 7).error, errc::none);
}

TEST_F(ProduceTest, AnswersADuplicateWithItsFirstOffset) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const producer_id id = new_producer();
  EXPECT_EQ(produce_to("orders", idempotent(id, 0, 0, 2)).base, offset(0));
  EXPECT_EQ(produce_to("orders", idempotent(id, 0, 2)).base, offset(2));
  const produced again = produce_to("orders", idempotent(id, 0, 0, 2));
  EXPECT_EQ(again.error, errc::none);
  EXPECT_EQ(again.base, offset(0));
  EXPECT_EQ(produce_to("orders", idempotent(id, 0, 3)).base, offset(3)) << "the duplicate wasn't appended";
}

TEST_F(ProduceTest, RefusesASequenceWithAGap) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const producer_id id = new_producer();
  ASSERT_EQ(produce_to("orders", idempotent(id, 0, 0)).error, errc::none);
  EXPECT_EQ(produce_to("orders", idempotent(id, 0, 5)).error, errc::out_of_order_sequence_number);
}

TEST_F(ProduceTest, RefusesAnOldEpoch) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const producer_id id = new_producer();
  ASSERT_EQ(produce_to("orders", idempotent(id, 1, 0)).error, errc::none);
  EXPECT_EQ(produce_to("orders", idempotent(id, 0, 1)).error, errc::invalid_producer_epoch);
}

TEST_F(ProduceTest, StartsANewEpochAtSequenceZero) {
  start();
  ASSERT_EQ(create_topic("orders"), errc::none);
  const producer_id id = new_producer();
  ASSERT_EQ(produce_to("orders", idempotent(id, 0, 0)).error, errc::none);
  EXPECT_EQ(produce_to("orders", idempotent(id, 1, 4)).error, errc::out_of_order_sequence_number);
  EXPECT_EQ(produce_to("orders", idempotent(id, 1, 0)).error, errc::none);
}

TEST_F(ProduceTest, GivesEveryProducerAnIdOfItsOwn) {
  start();
  const producer_id first = new_producer();
  const producer_id second = new_producer();
  EXPECT_GE(first, producer_id(0));
  EXPECT_NE(first, second);
}

TEST_F(ProduceTest, GivesNoCoordinatorToTransactionalProducers) {
  start();
  constexpr std::int8_t transaction_key = 1;
  protocol::find_coordinator_request request;
  request.key = "payments";
  request.key_type = transaction_key;
  const auto one = ask<protocol::find_coordinator_response>(request, 3);
  EXPECT_EQ(one.message.error_code, errc::unsupported_version);
  EXPECT_THAT(std::string(one.message.error_message.value_or("")), HasSubstr("no transactions"));
  request.key = "";
  request.coordinator_keys = {"payments"};
  const auto batched = ask<protocol::find_coordinator_response>(request, 4);
  ASSERT_EQ(batched.message.coordinators.size(), 1U);
  EXPECT_EQ(batched.message.coordinators.front().error_code, errc::unsupported_version);
  EXPECT_THAT(std::string(batched.message.coordinators.front().error_message.value_or("")),
              HasSubstr("no transactions"));
}

TEST_F(ProduceTest, GivesNoIdToTransactionalProducers) {
  start();
  protocol::init_producer_id_request request;
  request.transactional_id = "payments";
  request.transaction_timeout_ms = 1000;
  EXPECT_EQ(ask<protocol::init_producer_id_response>(request, 4).message.error_code, errc::unsupported_version);
  request.transactional_id = "";
  EXPECT_EQ(ask<protocol::init_producer_id_response>(request, 4).message.error_code, errc::invalid_request);
}

}  // namespace
}  // namespace moldau::broker
