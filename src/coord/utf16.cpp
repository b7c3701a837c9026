#include "coord/utf16.hpp"

#include <cstddef>

namespace moldau::coord {
namespace {

/// Takes one code point off the front; what isn't UTF-8 counts as the replacement character, byte by byte.
std::uint32_t take_code_point(std::string_view& text) {
  constexpr std::uint32_t replacement = 0xfffd;
  const auto first = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (first < 0x80) return first;
  const std::size_t more = first >= 0xf0 && first < 0xf8 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first >= 0xf5 || text.size() < more) return replacement;
  std::uint32_t out = first & (0x3fU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0U) != 0x80) return replacement;
    out = (out << 6U) | (next & 0x3fU);
  }
  text.remove_prefix(more);
  return out > 0x10ffff ? replacement : out;
}

template <typename Take>
void for_each_unit(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::uint32_t point = take_code_point(text);
    if (point < 0x10000) {
      take(static_cast<std::uint16_t>(point));
    } else {
      take(static_cast<std::uint16_t>(0xd800 + ((point - 0x10000) >> 10U)));
      take(static_cast<std::uint16_t>(0xdc00 + ((point - 0x10000) & 0x3ffU)));
    }
  }
}

}  // namespace

std::size_t utf16_length(std::string_view text) {
  std::size_t out = 0;
  for_each_unit(text, [&](std::uint16_t) { ++out; });
  return out;
}

std::int32_t java_string_hash(std::string_view text) {
  std::uint32_t hash = 0;
  for_each_unit(text, [&](std::uint16_t unit) { hash = hash * 31 + unit; });
  return static_cast<std::int32_t>(hash);
}

std::int32_t partition_of_key(std::string_view key, std::int32_t partitions) {
  // Kafka's `Utils.abs` makes the one number without a positive counterpart 0.
  const std::int32_t hash = java_string_hash(key);
  const std::int32_t positive = hash == INT32_MIN ? 0 : (hash < 0 ? -hash : hash);
  return positive % partitions;
}

}  // namespace moldau::coord
