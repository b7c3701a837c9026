#include "http/target.hpp"

#include <charconv>

namespace moldau::http {

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      unsigned char value = 0;
      if (i + 2 >= text.size()) return std::nullopt;
      const char* digits = text.data() + i + 1;
      if (std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return std::nullopt;
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::optional<target> parse_target(std::string_view text) {
  if (const auto fragment = text.find('#'); fragment != std::string_view::npos) text = text.substr(0, fragment);
  if (const auto scheme = text.find("://"); scheme != std::string_view::npos && !text.starts_with('/')) {
    const auto slash = text.find('/', scheme + 3);
    text = slash == std::string_view::npos ? std::string_view("/") : text.substr(slash);
  }
  if (!text.starts_with('/')) return std::nullopt;

  target out;
  const auto mark = text.find('?');
  std::string_view path = text.substr(0, mark);
  auto decoded = percent_decode(path, false);
  if (!decoded) return std::nullopt;
  out.path = *std::move(decoded);
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    // The whole decoded well, so each part does.
    if (end > 0 || end < path.size()) out.segments.push_back(*percent_decode(path.substr(0, end), false));
    path.remove_prefix(end);
  }
  if (mark == std::string_view::npos) return out;
  for (std::string_view query = text.substr(mark + 1); !query.empty();) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto key = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!key || !value) return std::nullopt;
    out.query.emplace_back(*std::move(key), *std::move(value));
  }
  return out;
}

}  // namespace moldau::http
