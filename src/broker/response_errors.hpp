#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "moldau/core/errc.hpp"

namespace moldau::broker {

/// The error codes that a response tells, each with how often; `errc::none` isn't among them. Empty, and without
/// memory of its own, for nearly all.
using error_counts = std::vector<std::pair<errc, std::uint32_t>>;

namespace detail {

inline void count_error(errc code, error_counts& into) {
  if (code == errc::none) return;
  const auto found = std::ranges::find(into, code, [](const auto& one) { return one.first; });
  if (found == into.end()) {
    into.emplace_back(code, 1);
  } else {
    ++found->second;
  }
}

template <typename T>
void collect_errors(const T& from, error_counts& into);

template <typename T>
void collect_errors(const std::vector<T>& from, error_counts& into) {
  if constexpr (std::is_class_v<T>) {
    for (const T& one : from) collect_errors(one, into);
  }
}

template <typename T>
void collect_errors(const std::optional<std::vector<T>>& from, error_counts& into) {
  if (from) collect_errors(*from, into);
}

/// The fields under which Kafka's schemas nest what has an error code of its own.
template <typename T>
void collect_errors(const T& from, error_counts& into) {
  if constexpr (requires {
                  { from.error_code } -> std::convertible_to<errc>;
                })
    count_error(from.error_code, into);
  if constexpr (requires { from.responses; }) collect_errors(from.responses, into);
  if constexpr (requires { from.partition_responses; }) collect_errors(from.partition_responses, into);
  if constexpr (requires { from.topics; }) collect_errors(from.topics, into);
  if constexpr (requires { from.partitions; }) collect_errors(from.partitions, into);
  if constexpr (requires { from.results; }) collect_errors(from.results, into);
  if constexpr (requires { from.groups; }) collect_errors(from.groups, into);
  if constexpr (requires { from.members; }) collect_errors(from.members, into);
  if constexpr (requires { from.coordinators; }) collect_errors(from.coordinators, into);
}

}  // namespace detail

/// Walks a response for the error codes in it (KIP-152's count of errors by API).
template <typename Message>
[[nodiscard]] error_counts errors_in(const Message& message) {
  error_counts out;
  detail::collect_errors(message, out);
  return out;
}

}  // namespace moldau::broker
