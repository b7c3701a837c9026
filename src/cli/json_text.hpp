#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "moldau/core/bytes.hpp"

namespace moldau::cli {

using json = nlohmann::ordered_json;

/// One line; bytes that aren't UTF-8 are replaced, never an exception.
[[nodiscard]] std::string to_line(const json& value);
/// Prints an answer as indented JSON to standard output.
void print_json(const json& value);
/// A record's key or value: null, or its text.
[[nodiscard]] json text_or_null(const std::optional<bytes_view>& bytes);

}  // namespace moldau::cli
