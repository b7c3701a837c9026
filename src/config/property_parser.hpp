#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/mistake.hpp"

namespace moldau::config {

/// One `key = value` of a properties file, unescaped, in UTF-8.
struct property_line {
  std::string key;
  std::string value;
  /// Where the logical line starts, from 1.
  std::size_t line = 0;
};

struct parsed_properties {
  /// In the order of the text, duplicates included: the last one of a name wins.
  std::vector<property_line> properties;
  std::vector<mistake> mistakes;
};

/// Parses the text format of Java's `Properties.load`: `#` and `!` comments, `=`, `:` or white space between key and
/// value, backslash escapes, `\uXXXX`, lines continued by a backslash.
///
/// Java reads Latin-1; this does too, unless the text is valid UTF-8, which is then kept as it is, so that a path with
/// an umlaut means what its author sees. A broken `\u` escape is a mistake with its line; the rest is still parsed.
[[nodiscard]] parsed_properties parse_properties(std::string_view text);

}  // namespace moldau::config
