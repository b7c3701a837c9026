#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moldau/core/errc.hpp"

namespace moldau::broker {

/// The error codes that a response tells, each with how often; `errc::none` isn't among them. Empty, and without
/// memory of its own, for nearly all.
using error_counts = std::vector<std::pair<errc, std::uint32_t>>;

namespace detail {

/// What a string of the protocol holds.
constexpr std::size_t message_bytes_max = std::numeric_limits<std::int16_t>::max();

/// The code of the protocol that says as much as a local one, which clients don't know.
constexpr errc on_the_wire(errc code) {
  if (code < errc::malformed) return code;
  switch (code) {
    case errc::malformed:
      return errc::corrupt_message;
    case errc::io_error:
    case errc::disk_full:
    case errc::closed:
      return errc::kafka_storage_error;
    case errc::timed_out:
      return errc::request_timed_out;
    default:
      return errc::unknown_server_error;
  }
}

inline void count_error(errc code, error_counts& into) {
  if (code == errc::none) return;
  const auto found = std::ranges::find(into, code, [](const auto& one) { return one.first; });
  if (found == into.end()) {
    into.emplace_back(code, 1);
  } else {
    ++found->second;
  }
}

/// At the end of a character, so that it stays UTF-8.
inline void cut_message(std::string_view& message) {
  if (message.size() <= message_bytes_max) return;
  std::size_t end = message_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0U) == 0x80U) --end;
  message = message.substr(0, end);
}
inline void cut_message(std::optional<std::string_view>& message) {
  if (message) cut_message(*message);
}

template <typename T>
void settle_errors(T& in, error_counts& into);

template <typename T>
void settle_errors(std::vector<T>& in, error_counts& into) {
  if constexpr (std::is_class_v<T>) {
    for (T& one : in) settle_errors(one, into);
  }
}

template <typename T>
void settle_errors(std::optional<std::vector<T>>& in, error_counts& into) {
  if (in) settle_errors(*in, into);
}

/// The fields under which Kafka's schemas nest what has an error of its own.
template <typename T>
void settle_errors(T& in, error_counts& into) {
  if constexpr (requires {
                  { in.error_code } -> std::convertible_to<errc>;
                }) {
    in.error_code = on_the_wire(in.error_code);
    count_error(in.error_code, into);
  }
  if constexpr (requires { in.error_message; }) cut_message(in.error_message);
  if constexpr (requires { in.batch_index_error_message; }) cut_message(in.batch_index_error_message);
  if constexpr (requires { in.responses; }) settle_errors(in.responses, into);
  if constexpr (requires { in.partition_responses; }) settle_errors(in.partition_responses, into);
  if constexpr (requires { in.record_errors; }) settle_errors(in.record_errors, into);
  if constexpr (requires { in.topics; }) settle_errors(in.topics, into);
  if constexpr (requires { in.partitions; }) settle_errors(in.partitions, into);
  if constexpr (requires { in.results; }) settle_errors(in.results, into);
  if constexpr (requires { in.groups; }) settle_errors(in.groups, into);
  if constexpr (requires { in.members; }) settle_errors(in.members, into);
  if constexpr (requires { in.coordinators; }) settle_errors(in.coordinators, into);
}

}  // namespace detail

/// Makes a response's errors ready to be sent: gives codes of the protocol for local ones, counts them (KIP-152's count
/// of errors by API), and cuts the messages that would be too long for a string of the protocol, as those may be that
/// repeat a client's own name.
template <typename Message>
[[nodiscard]] error_counts settle_errors(Message& message) {
  error_counts out;
  detail::settle_errors(message, out);
  return out;
}

}  // namespace moldau::broker
