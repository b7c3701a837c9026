#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace moldau::client {

/// An ISO-8601 duration as Java's Duration reads it, in ms: "PT1H", "P2DT3H4M5.5S". Nothing for anything else, and for
/// what is negative or too large.
[[nodiscard]] std::optional<std::int64_t> parse_iso_duration_ms(std::string_view text);

}  // namespace moldau::client
