#include "base/topic_name.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::base {
namespace {

/// So that "<topic>-<partition>" with its suffixes still fits a file name.
constexpr std::size_t topic_name_length_max = 249;

bool is_legal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::optional<std::string> topic_name_mistake(std::string_view name) {
  if (name.empty()) return "Topic name is invalid: the empty string is not allowed";
  if (name == "." || name == "..") return fmt::format("Topic name is invalid: '{}' is not allowed", name);
  if (name.size() > topic_name_length_max) {
    return fmt::format("Topic name is invalid: the length of '{}' is longer than the max allowed length {}", name,
                       topic_name_length_max);
  }
  if (!std::ranges::all_of(name, is_legal)) {
    return fmt::format(
        "Topic name is invalid: '{}' contains one or more characters other than ASCII alphanumerics, "
        "'.', '_' and '-'",
        name);
  }
  return std::nullopt;
}

}  // namespace moldau::base
