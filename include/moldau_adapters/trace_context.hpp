#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/record.hpp"

/// Traces across records, as OpenTelemetry has them: the W3C's trace context in the headers `traceparent` and
/// `tracestate`.
namespace moldau::adapters {

/// Names a span to other processes.
struct span_context {
  std::array<std::byte, 16> trace_id{};
  std::array<std::byte, 8> span_id{};
  /// Bit 0: sampled.
  std::uint8_t flags = 0;
  /// What vendors add; may be empty.
  std::string trace_state;

  [[nodiscard]] bool is_sampled() const { return (flags & 1U) != 0; }
  friend bool operator==(const span_context&, const span_context&) = default;
};

/// The value of `traceparent`: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".
[[nodiscard]] inline std::string to_traceparent(const span_context& of) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "00-";
  const auto append = [&](std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) {
      out += digits[std::to_integer<unsigned>(b) >> 4U];
      out += digits[std::to_integer<unsigned>(b) & 15U];
    }
  };
  append(of.trace_id);
  out += '-';
  append(of.span_id);
  out += '-';
  const std::byte flags{of.flags};
  append({&flags, 1});
  return out;
}

/// Nothing for what the W3C's rules call invalid: then a new trace is to be begun.
[[nodiscard]] inline std::optional<span_context> parse_traceparent(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  const auto take = [&](std::size_t from, std::span<std::byte> into) {
    bool any = false;
    for (std::size_t i = 0; i < into.size(); ++i) {
      const int high = digit(text[from + 2 * i]);
      const int low = digit(text[from + 2 * i + 1]);
      if (high < 0 || low < 0) return std::pair(false, any);
      into[i] = static_cast<std::byte>(high * 16 + low);
      any = any || into[i] != std::byte{0};
    }
    return std::pair(true, any);
  };
  constexpr std::size_t size = 55;
  if (text.size() < size || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::array<std::byte, 1> version{};
  std::array<std::byte, 1> flags{};
  span_context out;
  if (!take(0, version).first || version[0] == std::byte{0xff}) return std::nullopt;
  // A later version may have more behind it; this one may not.
  if (text.size() > size && (version[0] == std::byte{0} || text[size] != '-')) return std::nullopt;
  if (take(3, out.trace_id) != std::pair(true, true)) return std::nullopt;
  if (take(36, out.span_id) != std::pair(true, true)) return std::nullopt;
  if (!take(53, flags).first) return std::nullopt;
  out.flags = std::to_integer<std::uint8_t>(flags[0]);
  return out;
}

/// The context that a record carries.
[[nodiscard]] inline std::optional<span_context> context_of(std::span<const header_view> headers) {
  std::optional<span_context> out;
  std::string_view state;
  for (const header_view& header : headers) {
    if (!header.value) continue;
    if (header.key == "traceparent") out = parse_traceparent(as_text(*header.value));
    if (header.key == "tracestate") state = as_text(*header.value);
  }
  if (out) out->trace_state = state;
  return out;
}

/// The headers that carry a context, for `outgoing_record::headers`; valid as long as this object.
class trace_headers {
 public:
  explicit trace_headers(const span_context& of) : parent_(to_traceparent(of)), state_(of.trace_state) {
    headers_.push_back({.key = "traceparent", .value = as_bytes(parent_)});
    if (!state_.empty()) headers_.push_back({.key = "tracestate", .value = as_bytes(state_)});
  }
  trace_headers(const trace_headers&) = delete;
  trace_headers& operator=(const trace_headers&) = delete;

  [[nodiscard]] std::span<const header_view> headers() const { return headers_; }

 private:
  std::string parent_;
  std::string state_;
  std::vector<header_view> headers_;
};

}  // namespace moldau::adapters
