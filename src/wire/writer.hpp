#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "bytes/endian.hpp"
#include "bytes/varint.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "wire/primitives.hpp"

namespace moldau::wire {

/// Where bytes that are elsewhere belong in an encoded message: between `position - 1` and `position` of the written
/// bytes.
struct splice {
  std::size_t position = 0;
  std::size_t size = 0;
  /// What `records_field::external` was given.
  std::uint64_t id = 0;

  friend bool operator==(const splice&, const splice&) = default;
};

/// Writes Kafka's primitive types into memory that `encoded_size` has measured.
///
/// Writing past the end is a broken invariant, never the input's fault. What a message's version can't express (a field
/// it doesn't have, a null, a string over 32,767 bytes) makes the writer fail: the first such failure sticks and is
/// read by `status`; what was written is then of no use. Not thread safe; the memory is the caller's.
class writer {
 public:
  explicit writer(mutable_bytes to) : begin_(to.data()), at_(to.data()), end_(to.data() + to.size()) {}
  /// The same, noting splices in memory that was used before.
  writer(mutable_bytes to, std::vector<splice> memory) : writer(to) {
    splices_ = std::move(memory);
    splices_.clear();
  }

  /// Bytes written so far, external ones not counted.
  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
  /// Where external records belong, in rising order of position.
  [[nodiscard]] std::span<const splice> splices() const { return splices_; }
  /// The splices, and their memory, for the next writer.
  [[nodiscard]] std::vector<splice> take_splices() { return std::move(splices_); }
  /// The sum of the splices' sizes: a frame is `position() + external_size()` bytes long.
  [[nodiscard]] std::size_t external_size() const { return external_size_; }
  /// Nothing, or why the message can't be written in this version (`errc::unsupported_version`).
  [[nodiscard]] result<void> status() const;
  /// Makes the writer fail. `what` names the field and must be a literal.
  void unsupported(const char* what) {
    if (failure_ == nullptr) failure_ = what;
  }

  void i8(std::int8_t v) { moldau::bytes::store_be(take(sizeof v), v); }
  void i16(std::int16_t v) { moldau::bytes::store_be(take(sizeof v), v); }
  void i32(std::int32_t v) { moldau::bytes::store_be(take(sizeof v), v); }
  void i64(std::int64_t v) { moldau::bytes::store_be(take(sizeof v), v); }
  void u16(std::uint16_t v) { moldau::bytes::store_be(take(sizeof v), v); }
  void u32(std::uint32_t v) { moldau::bytes::store_be(take(sizeof v), v); }
  void f64(double v);
  void boolean(bool v) { i8(v ? 1 : 0); }
  void uuid(const moldau::uuid& v) { raw(v.bytes()); }

  /// Unsigned varint of at most 32 bits.
  void varint(std::uint32_t v) { moldau::bytes::write_varint(take(moldau::bytes::varint_size(v)), v); }
  void signed_varint(std::int32_t v) { varint(moldau::bytes::zigzag(v)); }
  void signed_varlong(std::int64_t v) {
    const std::uint64_t z = moldau::bytes::zigzag(v);
    moldau::bytes::write_varint(take(moldau::bytes::varint_size(z)), z);
  }

  /// `bytes` as they are, without a length.
  void raw(bytes_view bytes);

  void string(std::string_view v, bool flexible);
  void nullable_string(const std::optional<std::string_view>& v, bool flexible);
  void bytes(bytes_view v, bool flexible);
  void nullable_bytes(const std::optional<bytes_view>& v, bool flexible);
  void records(const records_field& v, bool flexible);
  void array_count(std::size_t count, bool flexible);
  void null_array(bool flexible);

  /// The head of a tagged field whose value of `size` bytes is written next.
  void tag(std::uint32_t tag, std::size_t size);
  /// Writes those of `unknown` from index `from` on whose tag is below `before`; returns the index of the first that
  /// isn't. So unknown tags and known ones come out in rising order. Without `before`: all that are left.
  std::size_t unknown_tags(const std::vector<unknown_tag>& unknown, std::size_t from,
                           std::uint64_t before = std::uint64_t{1} << 32U);

 private:
  std::byte* take(std::size_t size) {
    MOLDAU_ASSERT(size <= static_cast<std::size_t>(end_ - at_));
    std::byte* const out = at_;
    at_ += size;
    return out;
  }
  void length(std::size_t size, bool flexible);

  std::byte* begin_;
  std::byte* at_;
  std::byte* end_;
  const char* failure_ = nullptr;
  std::size_t external_size_ = 0;
  std::vector<splice> splices_;
};

/// What the calls of `writer` write, in bytes; external records count as their length field only.
[[nodiscard]] inline std::size_t string_size(std::string_view v, bool flexible) {
  return v.size() + (flexible ? moldau::bytes::varint_size(v.size() + 1) : 2);
}
[[nodiscard]] inline std::size_t nullable_string_size(const std::optional<std::string_view>& v, bool flexible) {
  return v ? string_size(*v, flexible) : (flexible ? 1 : 2);
}
[[nodiscard]] inline std::size_t bytes_size(bytes_view v, bool flexible) {
  return v.size() + (flexible ? moldau::bytes::varint_size(v.size() + 1) : 4);
}
[[nodiscard]] inline std::size_t nullable_bytes_size(const std::optional<bytes_view>& v, bool flexible) {
  return v ? bytes_size(*v, flexible) : (flexible ? 1 : 4);
}
[[nodiscard]] inline std::size_t records_size(const records_field& v, bool flexible) {
  return v.bytes().size() + (flexible ? (v.is_null() ? 1 : moldau::bytes::varint_size(v.size() + 1)) : 4);
}
[[nodiscard]] inline std::size_t array_count_size(std::size_t count, bool flexible) {
  return flexible ? moldau::bytes::varint_size(count + 1) : 4;
}
[[nodiscard]] inline std::size_t null_array_size(bool flexible) {
  return flexible ? 1 : 4;
}
/// A tagged field of `size` bytes with its head.
[[nodiscard]] inline std::size_t tag_size(std::uint32_t tag, std::size_t size) {
  return moldau::bytes::varint_size(tag) + moldau::bytes::varint_size(size) + size;
}
/// All of `unknown` with their heads, without the count.
[[nodiscard]] std::size_t unknown_tags_size(const std::vector<unknown_tag>& unknown);

}  // namespace moldau::wire
