#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "moldau/core/bytes.hpp"

namespace moldau::wire {

/// Whether two views hold the same bytes (`std::span` compares nothing by itself).
[[nodiscard]] inline bool same_bytes(bytes_view a, bytes_view b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}
[[nodiscard]] inline bool same_bytes(const std::optional<bytes_view>& a, const std::optional<bytes_view>& b) {
  return a.has_value() == b.has_value() && (!a || same_bytes(*a, *b));
}

/// A tagged field whose tag this version of the message doesn't define, kept as it came (KIP-482).
struct unknown_tag {
  std::uint32_t tag = 0;
  bytes_view data;

  friend bool operator==(const unknown_tag& a, const unknown_tag& b) {
    return a.tag == b.tag && same_bytes(a.data, b.data);
  }
};

/// Record batches inside a message: null, a view, or only a size.
///
/// Decoding gives null or a view into the decoded buffer. For encoding there is a third form: bytes that are elsewhere
/// (shared blocks, a range of a file). Only their length goes into the message; the writer notes where they belong, and
/// the caller sends head, bytes, rest (`writer::splices`).
class records_field {
 public:
  /// Null.
  constexpr records_field() = default;
  constexpr records_field(bytes_view bytes) : bytes_(bytes), size_(bytes.size()), form_(form::inlined) {}  // NOLINT
  /// `size` bytes that the caller splices in; `id` is the caller's own name for them.
  [[nodiscard]] static constexpr records_field external(std::size_t size, std::uint64_t id) {
    records_field out;
    out.size_ = size;
    out.id_ = id;
    out.form_ = form::external;
    return out;
  }

  [[nodiscard]] constexpr bool is_null() const { return form_ == form::null; }
  [[nodiscard]] constexpr bool is_external() const { return form_ == form::external; }
  /// The length as the message gives it, external bytes included; 0 for null.
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  /// The bytes; empty for null and for external ones.
  [[nodiscard]] constexpr bytes_view bytes() const { return bytes_; }
  /// What `external` was given.
  [[nodiscard]] constexpr std::uint64_t id() const { return id_; }

  friend bool operator==(const records_field& a, const records_field& b) {
    return a.form_ == b.form_ && a.size_ == b.size_ && a.id_ == b.id_ && same_bytes(a.bytes_, b.bytes_);
  }

 private:
  enum class form : std::uint8_t { null, inlined, external };

  bytes_view bytes_;
  std::size_t size_ = 0;
  std::uint64_t id_ = 0;
  form form_ = form::null;
};

}  // namespace moldau::wire
