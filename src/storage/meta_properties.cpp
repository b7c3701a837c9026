#include "storage/meta_properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/property_parser.hpp"

namespace moldau::storage {

namespace {

/// As Java's `Properties.store` escapes: blanks too, all of a key's and a value's first.
std::string escaped(std::string_view text, bool is_key) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    constexpr std::string_view controls = "\t\n\r\f";
    constexpr std::string_view letters = "tnrf";
    const char c = text[i];
    const auto control = controls.find(c);
    const bool blank = c == ' ' && (is_key || i == 0);
    if (blank || control != std::string_view::npos || std::string_view(":=#!\\").contains(c)) out.push_back('\\');
    out.push_back(control == std::string_view::npos ? c : letters[control]);
  }
  return out;
}

std::optional<std::int32_t> number(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

result<meta_properties> meta_properties::parse(std::string_view content) {
  meta_properties out;
  out.version = -1;
  const auto parsed = config::parse_properties(content);
  if (!parsed.mistakes.empty()) {
    return fail(errc::malformed, fmt::format("meta.properties, line {}: {}", parsed.mistakes.front().line,
                                             parsed.mistakes.front().message));
  }
  const auto keep = [&out](const std::string& key, const std::string& value) {
    std::erase_if(out.others, [&](const auto& other) { return other.first == key; });
    out.others.emplace_back(key, value);
  };
  for (const auto& [key, value, line] : parsed.properties) {
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
      if (key == "broker.id") keep(key, value);
    } else if (key == "directory.id") {
      out.directory_id = uuid::parse(value);
      if (!out.directory_id) {
        return fail(errc::malformed, fmt::format("meta.properties has the directory.id '{}', which is no id", value));
      }
    } else {
      keep(key, value);
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
  for (const auto& [key, value] : rows) out += fmt::format("{}={}\n", escaped(key, true), escaped(value, false));
  return out;
}

}  // namespace moldau::storage
