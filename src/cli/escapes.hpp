#pragma once

#include <string>
#include <string_view>

namespace moldau::cli {

/// "\n", "\t", "\r", "\0", "\\" and "\xHH" as the bytes they stand for; anything else as it is.
[[nodiscard]] std::string unescape(std::string_view text);

}  // namespace moldau::cli
