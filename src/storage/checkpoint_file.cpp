#include "storage/checkpoint_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace moldau::storage {

namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

result<std::vector<std::string_view>> parse_checkpoint(std::string_view content) {
  std::vector<std::string_view> rows;
  if (content.empty()) return rows;
  if (const auto version = take_line(content); number(version) != 0) {
    return fail(errc::malformed, fmt::format("a checkpoint file has the version '{}', not 0", version));
  }
  const auto count = number(take_line(content));
  if (!count || *count < 0) return fail(errc::malformed, "a checkpoint file doesn't say how many rows it has");
  while (!content.empty()) {
    const std::string_view row = take_line(content);
    if (!row.empty()) rows.push_back(row);
  }
  if (std::cmp_not_equal(rows.size(), *count)) {
    return fail(errc::malformed, fmt::format("a checkpoint file says {} rows and has {}", *count, rows.size()));
  }
  return rows;
}

std::vector<std::int64_t> split_numbers(std::string_view row) {
  std::vector<std::int64_t> out;
  while (!row.empty()) {
    const auto end = row.find(' ');
    const auto value = number(row.substr(0, end));
    if (!value) return {};
    out.push_back(*value);
    row = end == std::string_view::npos ? std::string_view{} : row.substr(end + 1);
  }
  return out;
}

result<offset_checkpoint> parse_offset_checkpoint(std::string_view content) {
  MOLDAU_TRY_ASSIGN(const auto rows, parse_checkpoint(content));
  offset_checkpoint out;
  for (const std::string_view row : rows) {
    const auto blank = row.find(' ');
    const auto numbers =
        blank == std::string_view::npos ? std::vector<std::int64_t>{} : split_numbers(row.substr(blank + 1));
    if (numbers.size() != 2 || numbers[0] < 0 || !std::in_range<std::int32_t>(numbers[0])) {
      return fail(errc::malformed, fmt::format("a checkpoint file has the line '{}'", row));
    }
    out[{.topic = std::string(row.substr(0, blank)),
         .partition = partition_id(static_cast<std::int32_t>(numbers[0]))}] = offset(numbers[1]);
  }
  return out;
}

std::string encode_offset_checkpoint(const offset_checkpoint& offsets) {
  std::string out = fmt::format("0\n{}\n", offsets.size());
  for (const auto& [partition, at] : offsets) {
    out += fmt::format("{} {} {}\n", partition.topic, partition.partition.value(), at.value());
  }
  return out;
}

result<offset_checkpoint> read_offset_checkpoint(rt::file_system& files, const std::string& path) {
  if (!files.exists(path)) return offset_checkpoint{};
  MOLDAU_TRY_ASSIGN(const shared_bytes content, files.read_file(path));
  auto parsed = parse_offset_checkpoint(as_text(content));
  if (!parsed) return fail(parsed.error().code, fmt::format("{}: {}", path, parsed.error().message));
  return parsed;
}

result<void> write_offset_checkpoint(rt::file_system& files, const std::string& path,
                                     const offset_checkpoint& offsets) {
  return files.write_file_atomically(path, as_bytes(encode_offset_checkpoint(offsets)));
}

result<topic_id> parse_partition_metadata(std::string_view content) {
  constexpr std::string_view version = "version: ";
  constexpr std::string_view id = "topic_id: ";
  const std::string_view first = take_line(content);
  const std::string_view second = take_line(content);
  if (!first.starts_with(version) || number(first.substr(version.size())) != 0 || !second.starts_with(id)) {
    return fail(errc::malformed, "partition.metadata is not in a form that is known");
  }
  const auto parsed = uuid::parse(second.substr(id.size()));
  if (!parsed || parsed->is_zero()) return fail(errc::malformed, "partition.metadata has no valid topic id");
  return *parsed;
}

std::string encode_partition_metadata(const topic_id& id) {
  return fmt::format("version: 0\ntopic_id: {}", id.to_string());
}

std::int64_t parse_clean_shutdown(std::string_view content) {
  constexpr std::string_view key = "\"brokerEpoch\":";
  const auto at = content.find(key);
  if (at == std::string_view::npos) return -1;
  content.remove_prefix(at + key.size());
  while (content.starts_with(' ')) content.remove_prefix(1);
  std::int64_t value = -1;
  std::from_chars(content.data(), content.data() + content.size(), value);
  return value;
}

std::string encode_clean_shutdown(std::int64_t broker_epoch) {
  return fmt::format("{{\"version\":0,\"brokerEpoch\":{}}}", broker_epoch);
}

}  // namespace moldau::storage
