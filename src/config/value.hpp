#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/definition.hpp"
#include "moldau/core/result.hpp"

namespace moldau::config {

/// A parsed value; `std::monostate` is null. INT, SHORT and LONG are all held in 64 bits.
using value = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// Parses `text` by the definition's type and checks it against the definition's rule.
///
/// Errors: `errc::invalid_config` with the sentence that Kafka's clients know ("Invalid value abc for configuration
/// retention.ms: Not a number of type LONG").
[[nodiscard]] result<value> parse_value(const definition& def, std::string_view text);

/// The definition's default, parsed; null if it has none.
[[nodiscard]] value default_of(const definition& def);

/// The text that DescribeConfigs shows (lists joined by commas, doubles as Java prints them); nothing for null.
[[nodiscard]] std::optional<std::string> to_text(const value& v);

/// A rule as the reference prints it ("[0,...,1]"); empty for any value.
[[nodiscard]] std::string describe(const rule& r);

}  // namespace moldau::config
