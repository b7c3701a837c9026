#include "client/fetched.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "wire/batch_builder.hpp"

namespace moldau::client {
namespace {

struct Fetched : ::testing::Test {
  wire::codec_context codecs;

  shared_bytes batch(std::int64_t at) {
    wire::batch_builder builder;
    builder.begin({.compression = {}, .base_offset = offset(at)});
    EXPECT_TRUE(builder.append(1, as_bytes("key"), as_bytes("value")));
    return builder.finish(codecs).value();
  }
  /// Three batches of one record; the one in the middle has a wrong byte.
  fetched_partition damaged_in_the_middle() {
    const shared_bytes parts[] = {batch(0), batch(1), batch(2)};
    shared_bytes all = shared_bytes::allocate(parts[0].size() * 3);
    for (std::size_t i = 0; i < 3; ++i) {
      std::memcpy(all.writable().data() + i * parts[i].size(), parts[i].data(), parts[i].size());
    }
    all.writable()[2 * parts[0].size() - 1] ^= std::byte{1};
    return {{"t", partition_id(0)}, std::move(all), offset(0), offset(3), {}, isolation::read_uncommitted};
  }
};

TEST_F(Fetched, NobodyIsLedPastADamagedBatch) {
  fetched_partition from = damaged_in_the_middle();
  EXPECT_EQ(from.next(codecs).value()->records.size(), 1U);
  for (int asked = 0; asked < 2; ++asked) {
    const auto got = from.next(codecs);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::corrupt_message);
    EXPECT_NE(got.error().message.find("offset 1"), std::string::npos) << got.error().message;
    EXPECT_EQ(from.position(), offset(1));
  }
}

}  // namespace
}  // namespace moldau::client
