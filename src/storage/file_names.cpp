#include "storage/file_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace moldau::storage {

namespace {
constexpr std::size_t digits = 20;
constexpr std::size_t longest_name = 255;

template <typename Int>
std::optional<Int> parse_number(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  Int value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}
}  // namespace

std::string segment_file_name(offset base, std::string_view suffix) {
  return fmt::format("{:020}{}", base.value(), suffix);
}

std::optional<offset> parse_segment_file_name(std::string_view name, std::string_view suffix) {
  if (name.size() != digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  const auto value = parse_number<std::int64_t>(name.substr(0, digits));
  if (!value) return std::nullopt;
  return offset(*value);
}

std::string partition_directory_name(std::string_view topic, partition_id partition) {
  return fmt::format("{}-{}", topic, partition.value());
}

std::optional<topic_partition> parse_partition_directory_name(std::string_view name) {
  if (name.ends_with(names::delete_dir) || name.ends_with(names::stray_dir) || name.ends_with(names::future_dir)) {
    return std::nullopt;
  }
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  const auto partition = parse_number<std::int32_t>(name.substr(dash + 1));
  if (!partition) return std::nullopt;
  return topic_partition{.topic = std::string(name.substr(0, dash)), .partition = partition_id(*partition)};
}

std::string doomed_directory_name(std::string_view topic, partition_id partition, std::uint64_t random_a,
                                  std::uint64_t random_b, std::string_view suffix) {
  const std::string unique = fmt::format("-{}.{:016x}{:016x}{}", partition.value(), random_a, random_b, suffix);
  return std::string(topic.substr(0, std::min(topic.size(), longest_name - unique.size()))) + unique;
}

}  // namespace moldau::storage
