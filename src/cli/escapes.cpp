#include "cli/escapes.hpp"

#include <charconv>

namespace moldau::cli {

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    switch (text[++i]) {
      case 'n':
        out.push_back('\n');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case '0':
        out.push_back('\0');
        break;
      case '\\':
        out.push_back('\\');
        break;
      case 'x': {
        unsigned value = 0;
        const std::string_view digits = text.substr(i + 1, 2);
        const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (code != std::errc()) {
          out += "\\x";
          break;
        }
        out.push_back(static_cast<char>(value));
        i += static_cast<std::size_t>(end - digits.data());
        break;
      }
      default:
        out.push_back('\\');
        out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace moldau::cli
