#include "wire/record_search.hpp"

#include <gtest/gtest.h>

#include "wire/tests/batch_samples.hpp"

namespace moldau::wire {
namespace {

using testing::java_bytes;
using testing::sample_append_time_ms;
using testing::sample_time_ms;

TEST(RecordSearch, FindsTheFirstRecordNotBeforeATime) {
  codec_context context;
  for (const char* sample : {"v2 none", "v2 zstd", "v1 gzip"}) {
    const shared_bytes bytes = java_bytes(sample);
    const batch_view batch(bytes);
    const auto find = [&](std::int64_t time, std::int64_t from) {
      return first_since(batch, time, offset(from), context).value();
    };
    EXPECT_EQ(find(0, 0), (timestamp_offset{sample_time_ms, offset(70)})) << sample;
    EXPECT_EQ(find(sample_time_ms + 1, 0), (timestamp_offset{sample_time_ms + 5, offset(71)})) << sample;
    EXPECT_EQ(find(sample_time_ms + 1, 72), (timestamp_offset{sample_time_ms + 2, offset(73)})) << sample;
    EXPECT_EQ(find(sample_time_ms + 6, 0), std::nullopt) << sample;
    EXPECT_EQ(find(0, 74), std::nullopt) << sample;
  }
}

TEST(RecordSearch, FindsTheFirstRecordOfTheLargestTime) {
  codec_context context;
  const auto max_of = [&](const char* sample) {
    const shared_bytes bytes = java_bytes(sample);
    return first_of_max_timestamp(batch_view(bytes), context).value();
  };
  EXPECT_EQ(max_of("v2 lz4"), (timestamp_offset{sample_time_ms + 5, offset(71)}));
  EXPECT_EQ(max_of("v2 append time"), (timestamp_offset{sample_append_time_ms, offset(70)}));
  EXPECT_EQ(max_of("v1 append time gzip"), (timestamp_offset{sample_append_time_ms, offset(70)}));
  EXPECT_EQ(max_of("v2 no timestamps"), std::nullopt);
}

}  // namespace
}  // namespace moldau::wire
