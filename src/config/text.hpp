#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moldau::config {

/// Without the white space (and control characters) at both ends, as Java's `trim`.
[[nodiscard]] std::string_view trimmed(std::string_view text);
/// For ASCII letters.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string upper_case(std::string_view text);
/// Parts between commas, trimmed; none of an empty text, an empty part is kept.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

}  // namespace moldau::config
