#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/definition.hpp"

namespace moldau::config {

// One table a file: name, type, default, rule, importance, update mode, support, sentence[, required].
[[nodiscard]] std::span<const definition> network_rows();
[[nodiscard]] std::span<const definition> node_rows();
[[nodiscard]] std::span<const definition> log_rows();
[[nodiscard]] std::span<const definition> retention_rows();
[[nodiscard]] std::span<const definition> replication_rows();
[[nodiscard]] std::span<const definition> quorum_rows();
[[nodiscard]] std::span<const definition> offsets_rows();
[[nodiscard]] std::span<const definition> group_rows();
[[nodiscard]] std::span<const definition> share_rows();
[[nodiscard]] std::span<const definition> transactions_rows();
[[nodiscard]] std::span<const definition> quota_rows();
[[nodiscard]] std::span<const definition> remote_rows();
[[nodiscard]] std::span<const definition> security_rows();
[[nodiscard]] std::span<const definition> sasl_rows();
[[nodiscard]] std::span<const definition> oauth_rows();
[[nodiscard]] std::span<const definition> ssl_rows();
[[nodiscard]] std::span<const definition> moldau_rows();
[[nodiscard]] std::span<const definition> dynamic_rows();
[[nodiscard]] std::span<const definition> topic_rows();

/// The short words in which the tables are written.
namespace table {

using enum value_type;
using enum importance;
using enum update_mode;
using enum support;

inline constexpr std::optional<std::string_view> none = std::nullopt;
inline constexpr rule any{};
inline constexpr rule gzip_level{rule::kind::gzip_level};
inline constexpr rule not_null{rule::kind::not_null};
inline constexpr rule not_empty{rule::kind::not_empty};
inline constexpr rule throttled_replicas{rule::kind::throttled_replicas};
inline constexpr rule voters{rule::kind::voters};
inline constexpr rule servers{rule::kind::servers};

constexpr rule at_least(std::int64_t least) {
  return {.what = rule::kind::range, .least = least};
}
constexpr rule between(std::int64_t least, std::int64_t most) {
  return {.what = rule::kind::range, .least = least, .most = most};
}
constexpr rule one_of(std::string_view options) {
  return {.what = rule::kind::one_of, .options = options};
}
constexpr rule one_of_ignoring_case(std::string_view options) {
  return {.what = rule::kind::one_of_ignoring_case, .options = options};
}
constexpr rule list_of(std::string_view options) {
  return {.what = rule::kind::list_of, .options = options};
}

}  // namespace table
}  // namespace moldau::config
