#include "cli/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::cli {

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string table::to_text() const {
  std::vector<std::vector<std::string>> shown;
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    auto& line = shown.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      line.push_back(printable(row[i]));
      // UTF-8: bytes that go on a character take no room.
      const auto width = static_cast<std::size_t>(
          std::ranges::count_if(line.back(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
      widths[i] = std::max(widths[i], width);
    }
  }
  std::string out;
  for (const auto& row : shown) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto width = static_cast<std::size_t>(
          std::ranges::count_if(row[i], [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - width + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace moldau::cli
