#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace moldau {

/// An integer that means one thing, so that a swapped argument doesn't compile. `T::value()` gives the integer back.
template <typename Tag, typename Rep>
class strong_id {
 public:
  using rep = Rep;

  constexpr strong_id() = default;
  constexpr explicit strong_id(Rep value) : value_(value) {}

  [[nodiscard]] constexpr Rep value() const { return value_; }

  friend constexpr auto operator<=>(strong_id, strong_id) = default;

  constexpr strong_id& operator++() {
    ++value_;
    return *this;
  }
  friend constexpr strong_id operator+(strong_id a, Rep n) { return strong_id(static_cast<Rep>(a.value_ + n)); }
  friend constexpr strong_id operator-(strong_id a, Rep n) { return strong_id(static_cast<Rep>(a.value_ - n)); }
  /// The distance between two ids of the same kind.
  friend constexpr Rep operator-(strong_id a, strong_id b) { return static_cast<Rep>(a.value_ - b.value_); }

 private:
  Rep value_ = 0;
};

/// A record's position in its partition. -1 is "none" (`no_offset`).
using offset = strong_id<struct offset_tag, std::int64_t>;
/// Counts the leaders of a partition or of the metadata quorum. -1 is "none".
using leader_epoch = strong_id<struct leader_epoch_tag, std::int32_t>;
/// A partition's number within its topic, from 0.
using partition_id = strong_id<struct partition_id_tag, std::int32_t>;
/// A broker's or controller's `node.id`. -1 is "none".
using broker_id = strong_id<struct broker_id_tag, std::int32_t>;
/// What the coordinator gave an idempotent or transactional producer. -1 is "none".
using producer_id = strong_id<struct producer_id_tag, std::int64_t>;
/// Fences older instances of the same producer id. -1 is "none".
using producer_epoch = strong_id<struct producer_epoch_tag, std::int16_t>;

inline constexpr offset no_offset{-1};
inline constexpr leader_epoch no_leader_epoch{-1};
inline constexpr broker_id no_broker{-1};
inline constexpr producer_id no_producer_id{-1};
inline constexpr producer_epoch no_producer_epoch{-1};

/// 16 bytes, most significant first, written as Kafka writes it: 22 characters of URL-safe base64 without padding.
class uuid {
 public:
  constexpr uuid() = default;
  constexpr explicit uuid(std::array<std::byte, 16> bytes) : bytes_(bytes) {}

  [[nodiscard]] constexpr const std::array<std::byte, 16>& bytes() const { return bytes_; }
  [[nodiscard]] constexpr bool is_zero() const { return *this == uuid{}; }

  [[nodiscard]] std::string to_string() const {
    static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    out.reserve(22);
    unsigned bits = 0;
    unsigned held = 0;
    for (std::byte b : bytes_) {
      bits = (bits << 8U) | std::to_integer<unsigned>(b);
      held += 8;
      while (held >= 6) {
        held -= 6;
        out.push_back(alphabet[(bits >> held) & 63U]);
      }
    }
    out.push_back(alphabet[(bits << (6 - held)) & 63U]);
    return out;
  }

  /// Nothing if `text` isn't 22 characters of URL-safe base64.
  [[nodiscard]] static std::optional<uuid> parse(std::string_view text) {
    if (text.size() != 22) return std::nullopt;
    std::array<std::byte, 16> bytes{};
    unsigned bits = 0;
    unsigned held = 0;
    std::size_t at = 0;
    for (char c : text) {
      unsigned v = 0;
      if (c >= 'A' && c <= 'Z') {
        v = static_cast<unsigned>(c - 'A');
      } else if (c >= 'a' && c <= 'z') {
        v = static_cast<unsigned>(c - 'a') + 26;
      } else if (c >= '0' && c <= '9') {
        v = static_cast<unsigned>(c - '0') + 52;
      } else if (c == '-') {
        v = 62;
      } else if (c == '_') {
        v = 63;
      } else {
        return std::nullopt;
      }
      bits = (bits << 6U) | v;
      held += 6;
      if (held >= 8) {
        held -= 8;
        if (at < bytes.size()) bytes[at++] = static_cast<std::byte>((bits >> held) & 255U);
      }
    }
    return uuid(bytes);
  }

  friend constexpr auto operator<=>(const uuid&, const uuid&) = default;

 private:
  std::array<std::byte, 16> bytes_{};
};

/// Names a topic for as long as it lives; a topic deleted and made again has another (KIP-516).
using topic_id = uuid;
/// Names a log directory (KIP-858).
using directory_id = uuid;

/// The topic id of `__cluster_metadata`.
inline constexpr uuid metadata_topic_id{std::array<std::byte, 16>{
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}}};

}  // namespace moldau

template <typename Tag, typename Rep>
struct std::hash<moldau::strong_id<Tag, Rep>> {
  std::size_t operator()(moldau::strong_id<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};

template <>
struct std::hash<moldau::uuid> {
  std::size_t operator()(const moldau::uuid& id) const noexcept {
    std::uint64_t parts[2];
    std::memcpy(parts, id.bytes().data(), sizeof parts);
    return static_cast<std::size_t>((parts[0] ^ (parts[1] * 0x9e3779b97f4a7c15ULL)) * 0xff51afd7ed558ccdULL);
  }
};
