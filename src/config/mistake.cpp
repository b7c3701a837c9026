#include "config/mistake.hpp"

#include <fmt/format.h>

namespace moldau::config {

std::string to_text(std::span<const mistake> mistakes, std::string_view file) {
  std::string out;
  for (const mistake& m : mistakes) {
    if (m.line > 0) {
      out += fmt::format("{}:{}: {}\n", file, m.line, m.message);
    } else {
      out += fmt::format("{}: {}\n", file, m.message);
    }
  }
  return out;
}

}  // namespace moldau::config
