#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace moldau::http {

/// A request's target, taken apart.
struct target {
  std::string path;
  /// The path's segments, split before decoding, so that an encoded slash is part of its segment.
  std::vector<std::string> segments;
  std::vector<name_value> query;
};

/// From "/a/b%20c?x=1" or "http://host/a/b"; nothing if it isn't well-formed.
[[nodiscard]] std::optional<target> parse_target(std::string_view text);

/// Undoes %XX, and with `plus_is_space` the plus of forms; nothing if a % isn't followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace moldau::http
