#include "bytes/buffer_pool.hpp"

#include <gtest/gtest.h>

namespace moldau::bytes {
namespace {

constexpr std::size_t size = 100'000;

TEST(BufferPool, UsesABlockAgainOnceNobodyHoldsIt) {
  buffer_pool pool(1 << 20);
  shared_bytes first = pool.take(size);
  const std::byte* const at = first.data();
  EXPECT_NE(pool.take(size).data(), at);
  first = {};
  EXPECT_EQ(pool.take(size).use_count(), 2U);
}

TEST(BufferPool, DoesNotHoldWhatItForgot) {
  buffer_pool pool(1 << 20);
  const shared_bytes block = pool.take(size);
  EXPECT_EQ(block.use_count(), 2U);
  pool.forget(block);
  EXPECT_EQ(block.use_count(), 1U);
}

}  // namespace
}  // namespace moldau::bytes
