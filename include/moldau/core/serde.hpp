#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau {

/// How values of a type become the bytes of a record's key or value, and back. Specialise it for a type of your own:
///
///     template <>
///     struct moldau::serde<point> {
///       using value_type = point;
///       void write(const point& p, std::vector<std::byte>& out) const { … append … }
///       result<point> read(bytes_view from) const { … }
///     };
///
/// or write such a struct under any name and pass an object of it where the type's own isn't wanted. `write` appends,
/// and returns nothing or a `result<void>`; `read` must survive any bytes. Neither sees nulls: those are
/// `std::optional`'s, which has a serde where its value has one. Objects are shared by threads, so both are const.
///
/// The built-in ones make the bytes that Java's of org.apache.kafka.common.serialization make.
template <typename T>
struct serde;

/// `S` is a serde of `T`.
template <typename S, typename T>
concept serde_for = requires(const S& s, const T& value, std::vector<std::byte>& out, bytes_view in) {
  requires std::is_void_v<decltype(s.write(value, out))> || std::same_as<decltype(s.write(value, out)), result<void>>;
  { s.read(in) } -> std::same_as<result<T>>;
};

namespace detail {

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;

inline std::unexpected<error> wrong_size(std::string_view what, std::size_t wanted, std::size_t got) {
  return fail(errc::malformed,
              std::string(what) + " takes " + std::to_string(wanted) + " bytes, and there are " + std::to_string(got));
}

/// Numbers as Java writes them: most significant byte first.
template <typename T, typename Bits>
struct number_serde {
  using value_type = T;
  void write(T value, std::vector<std::byte>& out) const {
    const auto bits = std::bit_cast<Bits>(value);
    for (int shift = static_cast<int>(sizeof(T) * 8) - 8; shift >= 0; shift -= 8) {
      out.push_back(static_cast<std::byte>(bits >> shift));
    }
  }
  result<T> read(bytes_view from) const {
    if (from.size() != sizeof(T)) return wrong_size("the number", sizeof(T), from.size());
    Bits bits = 0;
    for (const std::byte b : from) bits = static_cast<Bits>(static_cast<Bits>(bits << 8U) | std::to_integer<Bits>(b));
    return std::bit_cast<T>(bits);
  }
};

}  // namespace detail

/// UTF-8, unchecked both ways. Java: StringSerializer.
template <>
struct serde<std::string> {
  using value_type = std::string;
  void write(std::string_view text, std::vector<std::byte>& out) const {
    const bytes_view bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  result<std::string> read(bytes_view from) const { return std::string(as_text(from)); }
};

/// Java: ShortSerializer, IntegerSerializer, LongSerializer, FloatSerializer, DoubleSerializer.
template <>
struct serde<std::int16_t> : detail::number_serde<std::int16_t, std::uint16_t> {};
template <>
struct serde<std::int32_t> : detail::number_serde<std::int32_t, std::uint32_t> {};
template <>
struct serde<std::int64_t> : detail::number_serde<std::int64_t, std::uint64_t> {};
template <>
struct serde<float> : detail::number_serde<float, std::uint32_t> {};
template <>
struct serde<double> : detail::number_serde<double, std::uint64_t> {};

/// One byte, 0 or 1. Java: BooleanSerializer.
template <>
struct serde<bool> {
  using value_type = bool;
  void write(bool value, std::vector<std::byte>& out) const { out.push_back(std::byte{value}); }
  result<bool> read(bytes_view from) const {
    if (from.size() != 1) return detail::wrong_size("a boolean", 1, from.size());
    if (std::to_integer<unsigned>(from[0]) > 1) return fail(errc::malformed, "a boolean's byte must be 0 or 1");
    return from[0] == std::byte{1};
  }
};

/// As they are. Java: ByteArraySerializer, BytesSerializer.
template <>
struct serde<std::vector<std::byte>> {
  using value_type = std::vector<std::byte>;
  void write(bytes_view bytes, std::vector<std::byte>& out) const { out.insert(out.end(), bytes.begin(), bytes.end()); }
  result<std::vector<std::byte>> read(bytes_view from) const {
    return std::vector<std::byte>(from.begin(), from.end());
  }
};
template <>
struct serde<shared_bytes> {
  using value_type = shared_bytes;
  void write(bytes_view bytes, std::vector<std::byte>& out) const { out.insert(out.end(), bytes.begin(), bytes.end()); }
  result<shared_bytes> read(bytes_view from) const { return shared_bytes::copy_of(from); }
};
/// A view into whatever is read: valid as long as that.
template <>
struct serde<bytes_view> {
  using value_type = bytes_view;
  void write(bytes_view bytes, std::vector<std::byte>& out) const { out.insert(out.end(), bytes.begin(), bytes.end()); }
  result<bytes_view> read(bytes_view from) const { return from; }
};

/// The 36 characters that `java.util.UUID::toString` gives (not Kafka's own base64 form). Java: UUIDSerializer.
template <>
struct serde<uuid> {
  using value_type = uuid;
  void write(const uuid& id, std::vector<std::byte>& out) const {
    static constexpr char digits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < id.bytes().size(); ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back(std::byte{'-'});
      const auto value = std::to_integer<unsigned>(id.bytes()[i]);
      out.push_back(static_cast<std::byte>(digits[value >> 4U]));
      out.push_back(static_cast<std::byte>(digits[value & 15U]));
    }
  }
  result<uuid> read(bytes_view from) const {
    static constexpr std::string_view wrong = "a UUID is written as 8-4-4-4-12 hexadecimal digits";
    if (from.size() != 36) return fail(errc::malformed, std::string(wrong));
    std::array<std::byte, 16> bytes{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < 36;) {
      if (i == 8 || i == 13 || i == 18 || i == 23) {
        if (from[i] != std::byte{'-'}) return fail(errc::malformed, std::string(wrong));
        ++i;
        continue;
      }
      const int high = digit(from[i]);
      const int low = digit(from[i + 1]);
      if (high < 0 || low < 0) return fail(errc::malformed, std::string(wrong));
      bytes[at++] = static_cast<std::byte>(high * 16 + low);
      i += 2;
    }
    return uuid(bytes);
  }

 private:
  static int digit(std::byte b) {
    const char c = static_cast<char>(b);
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }
};

/// Adds null to a type.
template <typename T>
struct serde<std::optional<T>> {
  using value_type = std::optional<T>;
  serde<T> inner;
  auto write(const std::optional<T>& value, std::vector<std::byte>& out) const { return inner.write(*value, out); }
  result<std::optional<T>> read(bytes_view from) const {
    auto got = inner.read(from);
    if (!got) return std::unexpected(std::move(got).error());
    return std::optional<T>(*std::move(got));
  }
};

/// The bytes of `value`, kept in `into`, or null.
template <typename T, serde_for<T> S = serde<T>>
[[nodiscard]] result<std::optional<bytes_view>> serialize(const T& value, std::vector<std::byte>& into,
                                                          const S& with = {}) {
  if constexpr (detail::is_optional<T>) {
    if (!value) return std::optional<bytes_view>();
  }
  into.clear();
  if constexpr (std::is_void_v<decltype(with.write(value, into))>) {
    with.write(value, into);
  } else {
    MOLDAU_TRY(with.write(value, into));
  }
  return std::optional<bytes_view>(bytes_view(into));
}

/// The value of bytes, or of null. Errors: what `S` says; `errc::malformed` for a null that `T` can't be.
template <typename T, serde_for<T> S = serde<T>>
[[nodiscard]] result<T> deserialize(std::optional<bytes_view> from, const S& with = {}) {
  if (!from) {
    if constexpr (detail::is_optional<T>) {
      return T();
    } else {
      return fail(errc::malformed, "it is null, and the type has no null (std::optional has)");
    }
  }
  return with.read(*from);
}

}  // namespace moldau
