#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "moldau/core/result.hpp"

namespace moldau::cli {

/// Milliseconds since 1970 from a number of them, "2026-01-31", "2026-01-31T12:00:00[.123][Z]" (UTC).
/// Errors: `errc::invalid_argument`.
[[nodiscard]] result<std::int64_t> parse_timestamp(std::string_view text);
/// "2026-01-31T12:00:00.123Z"; "-" for a negative one.
[[nodiscard]] std::string show_timestamp(std::int64_t ms);

}  // namespace moldau::cli
