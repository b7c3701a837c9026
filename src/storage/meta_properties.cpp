#include "storage/meta_properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace moldau::storage {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\f";
  const auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

/// Java escapes ':', '=', '#', '!' and the backslash.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '=' || c == '#' || c == '!' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::optional<std::int32_t> number(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Where the key ends: at the first '=', ':' or blank that isn't escaped.
std::size_t key_end(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || line[i] == ' ') {
      return i;
    }
  }
  return line.size();
}

}  // namespace

result<meta_properties> meta_properties::parse(std::string_view content) {
  meta_properties out;
  out.version = -1;
  while (!content.empty()) {
    const auto line_end = content.find('\n');
    const std::string_view line = trimmed(content.substr(0, line_end));
    content = line_end == std::string_view::npos ? std::string_view{} : content.substr(line_end + 1);
    if (line.empty() || line.front() == '#' || line.front() == '!') continue;
    const auto split = key_end(line);
    const std::string key = unescaped(line.substr(0, split));
    const std::string value = unescaped(trimmed(split < line.size() ? line.substr(split + 1) : std::string_view{}));
    if (key == "version") {
      const auto version = number(value);
      if (!version || *version < 0 || *version > 1) {
        return fail(errc::malformed, fmt::format("meta.properties has the version '{}'; 0 and 1 are known", value));
      }
      out.version = *version;
    } else if (key == "cluster.id") {
      out.cluster_id = value;
    } else if (key == "node.id" || key == "broker.id") {
      const auto id = number(value);
      if (!id) return fail(errc::malformed, fmt::format("meta.properties has the {} '{}'", key, value));
      out.node_id = broker_id(*id);
      if (key == "broker.id") out.others.emplace_back(key, value);
    } else if (key == "directory.id") {
      out.directory_id = uuid::parse(value);
      if (!out.directory_id) {
        return fail(errc::malformed, fmt::format("meta.properties has the directory.id '{}', which is no id", value));
      }
    } else {
      out.others.emplace_back(key, value);
    }
  }
  if (out.version < 0) return fail(errc::malformed, "meta.properties doesn't say its version");
  return out;
}

std::string meta_properties::encode() const {
  std::vector<std::pair<std::string, std::string>> rows = others;
  if (!cluster_id.empty()) rows.emplace_back("cluster.id", cluster_id);
  if (node_id && version >= 1) rows.emplace_back("node.id", fmt::format("{}", node_id->value()));
  if (directory_id) rows.emplace_back("directory.id", directory_id->to_string());
  rows.emplace_back("version", fmt::format("{}", version));
  std::ranges::sort(rows);
  std::string out = "#\n";
  for (const auto& [key, value] : rows) out += fmt::format("{}={}\n", escaped(key), escaped(value));
  return out;
}

}  // namespace moldau::storage
