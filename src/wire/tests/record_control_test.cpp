#include "wire/record_control.hpp"

#include <gtest/gtest.h>

#include <string>

#include "wire/record_reader.hpp"
#include "wire/tests/batch_samples.hpp"

namespace moldau::wire {
namespace {

using testing::java_bytes;
using testing::sample_time_ms;

TEST(ControlRecord, KnowsTheTypesThatKafkaWrites) {
  codec_context context;
  for (const auto& [sample, type] :
       {std::pair{"commit", control_record_type::commit}, std::pair{"abort", control_record_type::abort},
        std::pair{"leader change", control_record_type::leader_change},
        std::pair{"snapshot header", control_record_type::snapshot_header},
        std::pair{"snapshot footer", control_record_type::snapshot_footer},
        std::pair{"kraft version", control_record_type::kraft_version},
        std::pair{"kraft voters", control_record_type::kraft_voters}}) {
    const shared_bytes bytes = java_bytes(sample);
    const batch_view batch(bytes);
    EXPECT_TRUE(batch.is_control()) << sample;
    auto reader = record_reader::open(batch, context);
    record_view record;
    ASSERT_TRUE(reader && reader->next(record).value_or(false)) << sample;
    EXPECT_EQ(decode_control_key(record.key), type) << sample;
    const control_key key = encode_control_key(type);
    EXPECT_EQ(as_text(*record.key), as_text(key)) << sample;

    // Ours around Kafka's value is Kafka's batch again.
    if (batch.is_transactional()) continue;
    batch_builder builder;
    const auto ours =
        control_batch(type, *record.value, record.offset, batch.leader_epoch(), record.timestamp_ms, builder, context);
    ASSERT_TRUE(ours) << sample;
    EXPECT_EQ(as_text(*ours), as_text(bytes)) << sample;
  }
}

TEST(ControlRecord, EndsTransactionsInKafkasBytes) {
  codec_context context;
  batch_builder builder;
  for (const auto& [sample, type] :
       {std::pair{"commit", control_record_type::commit}, std::pair{"abort", control_record_type::abort}}) {
    auto ours = end_txn_batch({type, 17}, producer_id(9), producer_epoch(3), sample_time_ms, builder, context);
    ASSERT_TRUE(ours);
    set_base_offset(ours->writable(), offset(70));
    set_leader_epoch(ours->writable(), leader_epoch(5));
    EXPECT_EQ(as_text(*ours), as_text(java_bytes(sample))) << sample;

    auto reader = record_reader::open(batch_view(*ours), context);
    record_view record;
    ASSERT_TRUE(reader && reader->next(record).value_or(false));
    EXPECT_EQ(end_txn_marker::decode(record), (end_txn_marker{type, 17}));
  }
}

TEST(ControlRecord, RefusesBadKeysAndValues) {
  const auto bytes_of = [](std::string_view text) { return std::optional(as_bytes(text)); };
  EXPECT_FALSE(decode_control_key(std::nullopt));
  EXPECT_FALSE(decode_control_key(bytes_of(std::string_view("\0\0\0", 3))));
  EXPECT_FALSE(decode_control_key(bytes_of(std::string_view("\xff\xff\0\0", 4))));
  EXPECT_EQ(decode_control_key(bytes_of(std::string_view("\0\0\0\x07", 4))), control_record_type::unknown);
  EXPECT_EQ(decode_control_key(bytes_of(std::string_view("\0\1\0\1more", 8))), control_record_type::commit);

  const std::string_view commit("\0\0\0\1", 4);
  const std::string_view change("\0\0\0\2", 4);
  const std::string_view value("\0\0\0\0\0\x11", 6);
  EXPECT_TRUE(end_txn_marker::decode({.key = bytes_of(commit), .value = bytes_of(value)}));
  EXPECT_FALSE(end_txn_marker::decode({.key = bytes_of(change), .value = bytes_of(value)}));
  EXPECT_FALSE(end_txn_marker::decode({.key = bytes_of(commit), .value = bytes_of(value.substr(0, 5))}));
  EXPECT_FALSE(end_txn_marker::decode({.key = bytes_of(commit), .value = std::nullopt}));
  EXPECT_FALSE(
      end_txn_marker::decode({.key = bytes_of(commit), .value = bytes_of(std::string_view("\xff\0\0\0\0\0", 6))}));
}

}  // namespace
}  // namespace moldau::wire
