#include "config/property_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace moldau::config {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (c >> 6)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (c >> 12)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (c >> 18)));
    out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t more = c < 0x80                ? 0
                             : c >= 0xC2 && c < 0xE0 ? 1
                             : c >= 0xE0 && c < 0xF0 ? 2
                             : c >= 0xF0 && c < 0xF5 ? 3
                                                     : 4;
    if (more == 4 || more > text.size() - i - 1) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

std::string utf8_of_latin1(std::string_view text) {
  std::string out;
  for (const char c : text) append_utf8(out, static_cast<unsigned char>(c));
  return out;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\f';
}

std::optional<std::uint32_t> four_hex_digits(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  std::uint32_t out = 0;
  for (const char c : text.substr(0, 4)) {
    out <<= 4;
    if (c >= '0' && c <= '9') {
      out |= static_cast<std::uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      out |= static_cast<std::uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      out |= static_cast<std::uint32_t>(c - 'A' + 10);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

// Logical lines: comments and blank ones left out, continued ones joined, escapes still in them.
class line_reader {
 public:
  explicit line_reader(std::string_view text) : text_(text) {}

  // False at the end. `number` is where the line starts.
  bool next(std::string& line, std::size_t& number) {
    line.clear();
    while (at_ < text_.size()) {
      number = number_;
      std::string_view natural = take_natural();
      skip_blanks(natural);
      if (natural.empty() || natural[0] == '#' || natural[0] == '!') continue;
      while (ends_with_odd_backslashes(natural)) {
        natural.remove_suffix(1);
        line += natural;
        if (at_ >= text_.size()) return true;
        natural = take_natural();
        skip_blanks(natural);
      }
      line += natural;
      return true;
    }
    return false;
  }

 private:
  std::string_view take_natural() {
    const std::size_t from = at_;
    while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    const std::string_view out = text_.substr(from, at_ - from);
    if (at_ < text_.size()) {
      const bool both = text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n';
      at_ += both ? 2 : 1;
    }
    ++number_;
    return out;
  }

  static void skip_blanks(std::string_view& line) {
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  }

  static bool ends_with_odd_backslashes(std::string_view line) {
    std::size_t count = 0;
    while (count < line.size() && line[line.size() - 1 - count] == '\\') ++count;
    return count % 2 == 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t number_ = 1;
};

// Nothing if a \u escape is broken.
std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      if (text[i] != '\\') out.push_back(text[i]);
      continue;
    }
    const char c = text[++i];
    if (c != 'u') {
      out.push_back(c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 'f' ? '\f' : c);
      continue;
    }
    auto unit = four_hex_digits(text.substr(i + 1));
    if (!unit) return std::nullopt;
    i += 4;
    // A pair of UTF-16 surrogates is one character; a lone one can't be written in UTF-8.
    if (*unit >= 0xD800 && *unit < 0xDC00 && text.substr(i + 1).starts_with("\\u")) {
      const auto low = four_hex_digits(text.substr(i + 3));
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        unit = 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00);
        i += 6;
      }
    }
    append_utf8(out, *unit >= 0xD800 && *unit < 0xE000 ? 0xFFFD : *unit);
  }
  return out;
}

}  // namespace

parsed_properties parse_properties(std::string_view text) {
  // Some editors begin a file with a mark of its encoding, which would become a part of the first name.
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  std::string converted;
  if (!is_utf8(text)) {
    converted = utf8_of_latin1(text);
    text = converted;
  }
  parsed_properties out;
  line_reader lines(text);
  std::string line;
  std::size_t number = 0;
  while (lines.next(line, number)) {
    std::size_t key_end = 0;
    while (key_end < line.size() && line[key_end] != '=' && line[key_end] != ':' && !is_blank(line[key_end])) {
      key_end += line[key_end] == '\\' ? 2 : 1;
    }
    key_end = std::min(key_end, line.size());
    std::size_t value_from = key_end;
    bool separated = false;
    while (value_from < line.size()) {
      const char c = line[value_from];
      if (!separated && (c == '=' || c == ':')) {
        separated = true;
      } else if (!is_blank(c)) {
        break;
      }
      ++value_from;
    }
    auto key = unescaped(std::string_view(line).substr(0, key_end));
    auto value = unescaped(std::string_view(line).substr(value_from));
    if (!key || !value) {
      out.mistakes.push_back({number, key.value_or(""), "A \\u escape needs four hexadecimal digits after it."});
      continue;
    }
    out.properties.push_back({*std::move(key), *std::move(value), number});
  }
  return out;
}

}  // namespace moldau::config
