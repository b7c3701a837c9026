#include "wire/record_validation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "bytes/endian.hpp"
#include "wire/batch_builder.hpp"
#include "wire/tests/batch_samples.hpp"

namespace moldau::wire {
namespace {

constexpr std::int64_t now_ms = 1'700'000'000'000;
constexpr std::int64_t hour_ms = 3'600'000;

class ProduceValidation : public ::testing::Test {
 protected:
  /// A batch of `times.size()` records with these timestamps, made as a client does.
  shared_bytes batch(const std::vector<std::int64_t>& times, batch_options options = {},
                     std::optional<std::string> key = "k") {
    batch_builder builder;
    builder.begin(options);
    for (const std::int64_t time : times) {
      const std::vector<header_view> headers{{"h", as_bytes("x")}};
      EXPECT_TRUE(builder.append(time, key ? std::optional(as_bytes(*key)) : std::nullopt, as_bytes("value"), headers));
    }
    return builder.finish(context_).value();
  }

  std::expected<validated_batch, produce_error> validate(bytes_view bytes) {
    return validate_produce(bytes, rules_, context_);
  }

  /// What becomes of a good batch after `change`, its CRC made right again.
  std::expected<validated_batch, produce_error> validate_changed(std::function<void(std::byte*)> change,
                                                                 codec type = codec::none) {
    changed_ = batch({now_ms, now_ms + 1, now_ms + 2}, {.compression = compression::of(type)});
    change(changed_.writable().data());
    update_crc(changed_.writable());
    return validate(changed_);
  }

  errc code_of(const std::expected<validated_batch, produce_error>& outcome) {
    return outcome ? errc::none : outcome.error().code;
  }

  produce_rules rules_{
      .topic = "orders", .partition = partition_id(3), .now_ms = now_ms, .timestamp_before_max_ms = hour_ms};
  codec_context context_;
  shared_bytes changed_;
};

constexpr codec all_codecs[] = {codec::none, codec::gzip, codec::snappy, codec::lz4, codec::zstd};

TEST_F(ProduceValidation, TakesGoodBatchesOfEveryCodec) {
  for (const bool is_compacted : {false, true}) {
    rules_.is_compacted = is_compacted;
    for (const codec type : all_codecs) {
      const shared_bytes bytes = batch({now_ms, now_ms + 7, now_ms - 7}, {.compression = compression::of(type)});
      const auto valid = validate(bytes);
      ASSERT_TRUE(valid) << name(type) << valid.error().message;
      EXPECT_EQ(valid->max_timestamp_ms, now_ms + 7);
      EXPECT_EQ(valid->batch.size_bytes(), bytes.size());
      EXPECT_FALSE(valid->needs_rebuild);
    }
  }
}

TEST_F(ProduceValidation, AssignsInPlaceAndKeepsTheChecksumOfWhatIsRight) {
  shared_bytes bytes = batch({now_ms, now_ms + 7});
  const std::uint32_t crc = batch_view(bytes).crc();
  const auto valid = validate(bytes);
  ASSERT_TRUE(valid);
  assign(bytes.writable(), *valid, offset(5000), leader_epoch(4));
  const batch_view assigned(bytes);
  EXPECT_EQ(assigned.base_offset(), offset(5000));
  EXPECT_EQ(assigned.leader_epoch(), leader_epoch(4));
  EXPECT_EQ(assigned.crc(), crc);
  EXPECT_TRUE(assigned.is_crc_ok());
}

TEST_F(ProduceValidation, MendsALargestTimestampThatTheRecordsDenyAtTheAppend) {
  const auto valid =
      validate_changed([](std::byte* b) { bytes::store_be(b + batch_layout::max_timestamp, now_ms + 1000); });
  ASSERT_TRUE(valid);
  assign(changed_.writable(), *valid, offset(0), leader_epoch(0));
  EXPECT_EQ(batch_view(changed_).max_timestamp_ms(), now_ms + 2);
  EXPECT_TRUE(batch_view(changed_).is_crc_ok());
}

TEST_F(ProduceValidation, StampsAppendTimeWithoutOpeningTheBatch) {
  rules_.timestamp_type = timestamp_type::log_append_time;
  for (const codec type : all_codecs) {
    shared_bytes bytes = batch({5, 6}, {.compression = compression::of(type)});
    const auto valid = validate(bytes);
    ASSERT_TRUE(valid) << name(type);
    assign(bytes.writable(), *valid, offset(0), leader_epoch(0));
    const batch_view assigned(bytes);
    EXPECT_TRUE(assigned.is_crc_ok());
    EXPECT_EQ(assigned.timestamp_type(), timestamp_type::log_append_time);
    EXPECT_EQ(assigned.max_timestamp_ms(), now_ms);
  }
}

TEST_F(ProduceValidation, RefusesWhatIsNotOneBatchOfMagicTwo) {
  EXPECT_EQ(code_of(validate({})), errc::invalid_record);
  const shared_bytes good = batch({now_ms});
  EXPECT_EQ(code_of(validate(good.view().first(good.size() - 1))), errc::corrupt_message);
  EXPECT_EQ(code_of(validate(good.view().first(10))), errc::corrupt_message);
  const std::string twice = std::string(as_text(good)) + std::string(as_text(good));
  EXPECT_EQ(code_of(validate(as_bytes(twice))), errc::invalid_record);
  const std::string followed = std::string(as_text(good)) + "x";
  EXPECT_EQ(code_of(validate(as_bytes(followed))), errc::invalid_record);
  EXPECT_EQ(code_of(validate(testing::java_bytes("v1 gzip"))), errc::invalid_record);
  EXPECT_EQ(code_of(validate(testing::java_bytes("v0 none"))), errc::invalid_record);
}

TEST_F(ProduceValidation, RefusesAWrongChecksum) {
  shared_bytes bytes = batch({now_ms});
  bytes.writable()[bytes.size() - 1] ^= std::byte{1};
  EXPECT_EQ(code_of(validate(bytes)), errc::corrupt_message);
}

TEST_F(ProduceValidation, RefusesABatchPastTheTopicsLimit) {
  const shared_bytes bytes = batch({now_ms});
  rules_.batch_bytes_max = bytes.size();
  EXPECT_TRUE(validate(bytes));
  rules_.batch_bytes_max = bytes.size() - 1;
  EXPECT_EQ(code_of(validate(bytes)), errc::message_too_large);
}

TEST_F(ProduceValidation, RefusesHeadersThatContradictThemselves) {
  struct change {
    const char* what;
    errc code;
    std::function<void(std::byte*)> apply;
  };
  const auto set = [](std::size_t at, auto value) {
    return [at, value](std::byte* b) { bytes::store_be(b + at, value); };
  };
  using namespace batch_layout;  // NOLINT: its names are this table's subject
  for (const change& bad : std::vector<change>{
           {"no records", errc::invalid_record, set(record_count, std::int32_t{0})},
           {"a count below zero", errc::invalid_record, set(record_count, std::int32_t{-1})},
           {"more records than offsets", errc::invalid_record, set(record_count, std::int32_t{4})},
           {"more offsets than records", errc::invalid_record, set(last_offset_delta, std::int32_t{3})},
           {"both one too many", errc::invalid_record,
            [](std::byte* b) {
              bytes::store_be(b + record_count, std::int32_t{4});
              bytes::store_be(b + last_offset_delta, std::int32_t{3});
            }},
           {"both one too few", errc::invalid_record,
            [](std::byte* b) {
              bytes::store_be(b + record_count, std::int32_t{2});
              bytes::store_be(b + last_offset_delta, std::int32_t{1});
            }},
           {"a negative last offset delta", errc::invalid_record, set(last_offset_delta, std::int32_t{-1})},
           {"a base offset", errc::invalid_record, set(base_offset, std::int64_t{1})},
           {"control records", errc::invalid_record, set(attributes, batch_attributes::control)},
           {"a producer without a sequence", errc::invalid_record, set(producer_id, std::int64_t{7})},
           {"a transaction without a producer", errc::invalid_record, set(attributes, batch_attributes::transactional)},
           {"codec 5", errc::unsupported_compression_type, set(attributes, std::int16_t{5})},
           {"codec 7", errc::unsupported_compression_type, set(attributes, std::int16_t{7})},
           {"a codec that the data isn't in", errc::invalid_record, set(attributes, std::int16_t{1})},
       }) {
    rules_.is_compacted = true;
    EXPECT_EQ(code_of(validate_changed(bad.apply)), bad.code) << bad.what;
  }
}

TEST_F(ProduceValidation, LetsCoordinatorsWriteControlRecords) {
  rules_.origin = append_origin::coordinator;
  rules_.now_ms = testing::sample_time_ms;
  EXPECT_TRUE(validate(testing::java_bytes("commit")));
}

TEST_F(ProduceValidation, TakesProducersAndTransactionsThatAreWhole) {
  EXPECT_TRUE(validate(batch({now_ms}, {.producer_id = producer_id(7),
                                        .producer_epoch = producer_epoch(0),
                                        .base_sequence = 0,
                                        .is_transactional = true})));
}

TEST_F(ProduceValidation, ForbidsZstdBeforeProduceKnewIt) {
  rules_.is_zstd_known = false;
  EXPECT_EQ(code_of(validate(batch({now_ms}, {.compression = compression::of(codec::zstd)}))),
            errc::unsupported_compression_type);
  EXPECT_TRUE(validate(batch({now_ms}, {.compression = compression::of(codec::gzip)})));
}

TEST_F(ProduceValidation, RefusesEveryWrongByteThatBreaksARecord) {
  // The first record: length, attributes, timestamp delta, offset delta, key length, key, value length...
  constexpr std::size_t record = batch_layout::records;
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record] = std::byte{0x7e}; })), errc::invalid_record);
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record] = std::byte{0x01}; })), errc::invalid_record);
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record] = std::byte{0x00}; })), errc::invalid_record);
  // Longer by a byte than its fields: the next record still starts where they end.
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record] = std::byte{0x22}; })), errc::invalid_record);
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record + 3] = std::byte{0x02}; })), errc::invalid_record);
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record + 4] = std::byte{0x7e}; })), errc::invalid_record);
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record + 6] = std::byte{0x7e}; })), errc::invalid_record);
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record + 12] = std::byte{0x01}; })), errc::invalid_record);
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record + 12] = std::byte{0x04}; })), errc::invalid_record);
  EXPECT_EQ(code_of(validate_changed([](std::byte* b) { b[record + 13] = std::byte{0x01}; })), errc::invalid_record);
}

TEST_F(ProduceValidation, RefusesAnEmptyRecordAtTheVeryEnd) {
  shared_bytes bytes = shared_bytes::allocate(batch_layout::records + 1);
  bytes.writable()[batch_layout::records] = std::byte{0};
  const batch_header header{.length = static_cast<std::int32_t>(bytes.size() - batch_layout::log_overhead),
                            .last_offset_delta = 0,
                            .record_count = 1};
  header.encode(bytes.writable().data());
  update_crc(bytes.writable());
  EXPECT_EQ(code_of(validate(bytes)), errc::invalid_record);
}

TEST_F(ProduceValidation, NamesTheRecordsWithoutKeyInACompactedTopic) {
  rules_.is_compacted = true;
  for (const codec type : all_codecs) {
    const auto outcome = validate(batch({now_ms, now_ms}, {.compression = compression::of(type)}, std::nullopt));
    ASSERT_FALSE(outcome) << name(type);
    EXPECT_EQ(outcome.error().code, errc::invalid_record);
    ASSERT_EQ(outcome.error().record_errors.size(), 2U);
    EXPECT_EQ(outcome.error().record_errors[1].batch_index, 1);
    EXPECT_THAT(outcome.error().record_errors[1].message, ::testing::HasSubstr("orders-3"));
  }
}

TEST_F(ProduceValidation, NamesTheRecordsOutOfTheTimestampBounds) {
  const auto outcome =
      validate(batch({now_ms - hour_ms, now_ms - hour_ms - 1, now_ms + hour_ms, now_ms + hour_ms + 1, no_timestamp}));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, errc::invalid_timestamp);
  ASSERT_EQ(outcome.error().record_errors.size(), 2U);
  EXPECT_EQ(outcome.error().record_errors[0].batch_index, 1);
  EXPECT_EQ(outcome.error().record_errors[1].batch_index, 3);
}

TEST_F(ProduceValidation, HoldsTheHeadersTimestampsAgainstTheBoundsOfABatchThatStaysClosed) {
  const batch_options gzip{.compression = compression::of(codec::gzip)};
  EXPECT_TRUE(validate(batch({now_ms - hour_ms, now_ms + hour_ms}, gzip)));
  EXPECT_EQ(code_of(validate(batch({now_ms - hour_ms - 1, now_ms}, gzip))), errc::invalid_timestamp);
  EXPECT_EQ(code_of(validate(batch({now_ms, now_ms + hour_ms + 1}, gzip))), errc::invalid_timestamp);
  EXPECT_TRUE(validate(batch({no_timestamp}, gzip)));
}

TEST_F(ProduceValidation, TellsAtMostAHundredRecordErrors) {
  rules_.is_compacted = true;
  const auto outcome = validate(batch(std::vector<std::int64_t>(5000, now_ms), {}, std::nullopt));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().record_errors.size(), record_errors_max);
}

TEST_F(ProduceValidation, RefusesAppendTimeFromAProducer) {
  rules_.timestamp_type = timestamp_type::log_append_time;
  for (const codec type : {codec::none, codec::lz4}) {
    const shared_bytes bytes = batch({now_ms}, {.compression = compression::of(type),
                                                .timestamp_type = timestamp_type::log_append_time,
                                                .log_append_time_ms = now_ms});
    EXPECT_EQ(code_of(validate(bytes)), errc::invalid_timestamp) << name(type);
  }
}

TEST_F(ProduceValidation, TakesAnAppendTimeInBoundsAsTheCreateTimeAsKafkaDoes) {
  for (const codec type : {codec::none, codec::gzip}) {
    shared_bytes bytes = batch({5}, {.compression = compression::of(type),
                                     .timestamp_type = timestamp_type::log_append_time,
                                     .log_append_time_ms = now_ms - 1});
    const auto valid = validate(bytes);
    ASSERT_TRUE(valid) << name(type);
    assign(bytes.writable(), *valid, offset(0), leader_epoch(0));
    EXPECT_EQ(batch_view(bytes).timestamp_type(), timestamp_type::create_time);
    EXPECT_EQ(batch_view(bytes).max_timestamp_ms(), now_ms - 1);
  }
}

TEST_F(ProduceValidation, BoundsWhatACompressedBatchMayInflateTo) {
  rules_.is_compacted = true;
  rules_.limits.batch_bytes_max = 100'000;
  batch_builder builder;
  builder.begin({.compression = compression::of(codec::zstd)});
  const std::string value(50'000, 'a');
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(builder.append(now_ms, as_bytes("k"), as_bytes(value)));
  EXPECT_EQ(code_of(validate(builder.finish(context_).value())), errc::message_too_large);
}

TEST_F(ProduceValidation, RebuildsWithTheTopicsCodecAndKeepsAllElse) {
  const batch_options from{.compression = compression::of(codec::gzip),
                           .producer_id = producer_id(7),
                           .producer_epoch = producer_epoch(2),
                           .base_sequence = 40};
  const shared_bytes bytes = batch({now_ms, now_ms + 1}, from);
  for (const codec type : {codec::none, codec::snappy, codec::lz4, codec::zstd}) {
    rules_.stored_codec = type;
    const auto valid = validate(bytes);
    ASSERT_TRUE(valid);
    EXPECT_TRUE(valid->needs_rebuild);
    const auto rebuilt = rebuild(valid->batch, compression::of(type), context_);
    ASSERT_TRUE(rebuilt);
    const batch_view batch(*rebuilt);
    EXPECT_EQ(batch.compression(), type);
    EXPECT_TRUE(batch.is_crc_ok());
    EXPECT_EQ(batch.producer_id(), producer_id(7));
    EXPECT_EQ(batch.last_sequence(), 41);
    EXPECT_EQ(*testing::read_all(batch, context_), *testing::read_all(batch_view(bytes), context_));
  }
  rules_.stored_codec = codec::gzip;
  EXPECT_FALSE(validate(bytes)->needs_rebuild);
}

}  // namespace
}  // namespace moldau::wire
