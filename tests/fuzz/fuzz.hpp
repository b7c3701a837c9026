#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "bytes/endian.hpp"
#include "moldau/core/bytes.hpp"
#include "wire/record_batch.hpp"

/// What the fuzz targets share. They check with MOLDAU_ASSERT, as the libraries do.
namespace moldau::fuzz {

/// Ends the process where the invariant broke, so that the report shows that place and nothing catches it on its way.
[[noreturn]] inline void end_here(std::string_view condition, std::source_location where) {
  std::fprintf(stderr, "%s:%u: broken: %.*s\n", where.file_name(), static_cast<unsigned>(where.line()),
               static_cast<int>(condition.size()), condition.data());
  std::abort();
}
inline const base::assertion_handler handler_before = base::set_assertion_handler(&end_here);

/// The fuzzer's bytes, taken apart from the front. Parts come in blocks of just their size, so that the sanitizer sees
/// a step too far. Numbers are big-endian, and 0 when nothing is left.
class input {
 public:
  input(const std::uint8_t* data, std::size_t size) : at_(data), left_(size) {}

  [[nodiscard]] bool empty() const { return left_ == 0; }
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }

  std::vector<std::byte> bytes(std::size_t size) {
    const std::size_t take = std::min(size, left_);
    const auto* from = reinterpret_cast<const std::byte*>(at_);
    std::vector<std::byte> out(from, from + take);
    at_ += take;
    left_ -= take;
    return out;
  }
  /// Two bytes of length, then that many.
  std::vector<std::byte> part() { return bytes(u16()); }
  std::vector<std::byte> rest() { return bytes(left_); }

 private:
  std::uint64_t number(std::size_t size) {
    std::uint64_t out = 0;
    for (; size > 0; --size) {
      out <<= 8U;
      if (left_ == 0) continue;
      out |= *at_++;
      --left_;
    }
    return out;
  }

  const std::uint8_t* at_;
  std::size_t left_;
};

/// Puts the right checksum into every batch, as far as batches can be told: a fuzzer doesn't find checksums.
inline void mend_checksums(mutable_bytes of) {
  while (true) {
    const auto first = wire::first_batch(of);
    if (!first) return;
    const std::size_t at = first->is_legacy() ? wire::legacy_layout::crc : wire::batch_layout::crc;
    moldau::bytes::store_be(of.data() + at, first->computed_crc());
    of = of.subspan(first->size_bytes());
  }
}

}  // namespace moldau::fuzz
