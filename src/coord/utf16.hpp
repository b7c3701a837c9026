#pragma once

#include <cstdint>
#include <string_view>

namespace moldau::coord {

/// How many UTF-16 units `text` (UTF-8) takes: what Java calls its length.
[[nodiscard]] std::size_t utf16_length(std::string_view text);

/// Java's `String.hashCode` of `text` (UTF-8).
[[nodiscard]] std::int32_t java_string_hash(std::string_view text);

/// The partition of a coordinator's topic that `key` lives in.
[[nodiscard]] std::int32_t partition_of_key(std::string_view key, std::int32_t partitions);

}  // namespace moldau::coord
