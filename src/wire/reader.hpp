#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "bytes/endian.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "wire/primitives.hpp"

namespace moldau::wire {

/// Reads Kafka's primitive types from bytes that may be anything.
///
/// What it returns are views into those bytes. Nothing is read past the end and no length is believed before it was
/// compared with what remains. The first failure sticks: every later call returns zero, an empty view or null and reads
/// nothing, so that a caller checks once, at the end (`status`), and inside loops (`ok`). Not thread safe.
///
/// `flexible` is whether the message's version has compact lengths (KIP-482).
class reader {
 public:
  explicit reader(bytes_view from)
      : begin_(from.data()), at_(from.data()), end_(from.data() + from.size()), memory_max_(memory_for(from.size())) {}

  [[nodiscard]] bool ok() const { return failure_ == nullptr; }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  /// Bytes read so far.
  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
  /// What is left to read, without reading it.
  [[nodiscard]] bytes_view rest() const { return {at_, remaining()}; }
  /// Nothing, or `errc::malformed` with what was wrong and at which byte.
  [[nodiscard]] result<void> status() const;
  /// Makes the reader fail by the caller's own check. `why` must be a literal.
  void fail(const char* why);

  [[nodiscard]] std::int8_t i8() { return integer<std::int8_t>(); }
  [[nodiscard]] std::int16_t i16() { return integer<std::int16_t>(); }
  [[nodiscard]] std::int32_t i32() { return integer<std::int32_t>(); }
  [[nodiscard]] std::int64_t i64() { return integer<std::int64_t>(); }
  [[nodiscard]] std::uint16_t u16() { return integer<std::uint16_t>(); }
  [[nodiscard]] std::uint32_t u32() { return integer<std::uint32_t>(); }
  [[nodiscard]] double f64();
  /// Any byte but 0 is true, as in Kafka.
  [[nodiscard]] bool boolean() { return i8() != 0; }
  [[nodiscard]] moldau::uuid uuid();

  /// Unsigned varint of at most 32 bits.
  [[nodiscard]] std::uint32_t varint();
  /// Zigzag varints, as records use them.
  [[nodiscard]] std::int32_t signed_varint();
  [[nodiscard]] std::int64_t signed_varlong();

  /// The next `size` bytes as they are.
  [[nodiscard]] bytes_view raw(std::size_t size);

  [[nodiscard]] std::string_view string(bool flexible);
  [[nodiscard]] std::optional<std::string_view> nullable_string(bool flexible);
  [[nodiscard]] bytes_view bytes(bool flexible);
  [[nodiscard]] std::optional<bytes_view> nullable_bytes(bool flexible);
  [[nodiscard]] records_field records(bool flexible);
  [[nodiscard]] records_field nullable_records(bool flexible);

  /// An array's count, which fails unless that many elements of at least `element_size_min` bytes can follow.
  ///
  /// `element_memory` is what an element will take in the caller's memory. Small elements on the wire can be large
  /// structs here, so all arrays and unknown tags of a message together may take 32 times its size, and of a large
  /// message 64 MiB more than twice its size; 1 MiB is for free.
  [[nodiscard]] std::size_t array_count(bool flexible, std::size_t element_size_min, std::size_t element_memory = 0);
  /// The same; nothing for a null array.
  [[nodiscard]] std::optional<std::size_t> nullable_array_count(bool flexible, std::size_t element_size_min,
                                                                std::size_t element_memory = 0);

  /// The memory that the arrays and unknown tags counted so far take.
  [[nodiscard]] std::size_t memory_taken() const { return memory_taken_; }
  /// Counts what else the message makes the caller hold; fails beyond the bound of `array_count`.
  void take_memory(std::size_t bytes);

  /// Takes the next `size` bytes as a reader of their own and moves past them (a tagged field's value). The bound on
  /// memory stays the whole message's: nothing else is read from this reader until `finish`.
  [[nodiscard]] reader sub(std::size_t size);
  /// Carries the failure of a reader made by `sub` into this one; one that left bytes over fails too.
  void finish(const reader& part);

 private:
  template <typename T>
  T integer() {
    if (remaining() < sizeof(T)) [[unlikely]] {
      fail("the message ends inside a number");
      return 0;
    }
    const T v = moldau::bytes::load_be<T>(at_);
    at_ += sizeof(T);
    return v;
  }
  static constexpr std::size_t memory_for(std::size_t size) {
    constexpr std::size_t mib = std::size_t{1} << 20U;
    return mib + std::min(32 * size, 64 * mib + 2 * size);
  }
  /// A length of string, bytes or array; -1 is null.
  std::int64_t length(bool flexible, bool short_length);
  std::optional<bytes_view> sized(bool flexible, bool short_length, bool nullable);

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  const char* failure_ = nullptr;
  std::size_t failed_at_ = 0;
  std::size_t memory_max_;
  std::size_t memory_taken_ = 0;
};

/// The tagged fields at a struct's end, one after the other:
///
///     for (tag_reader tags(in); tags.next();) {
///       switch (tags.tag()) {
///         case 0: leader = tags.value().i32(); break;
///         default: tags.keep(unknown_tags);
///       }
///     }
///
/// Tags must rise, as KIP-482 asks, so a tag that comes twice is malformed; so is a value that isn't read to its end.
/// The reader must outlive this object and isn't used between two calls of `next`.
class tag_reader {
 public:
  explicit tag_reader(reader& from);

  [[nodiscard]] bool next();
  [[nodiscard]] std::uint32_t tag() const { return tag_; }
  /// Reads the value.
  [[nodiscard]] reader& value() { return value_; }
  /// Keeps the value as it is.
  void keep(std::vector<unknown_tag>& unknown);

 private:
  reader& from_;
  reader value_;
  std::uint32_t left_;
  std::uint32_t tag_ = 0;
  bool started_ = false;
};

}  // namespace moldau::wire
