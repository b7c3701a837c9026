#include "cli/json_text.hpp"

#include <fmt/format.h>

namespace moldau::cli {

std::string to_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void print_json(const json& value) {
  fmt::print("{}\n", value.dump(2, ' ', false, json::error_handler_t::replace));
}

json text_or_null(const std::optional<bytes_view>& bytes) {
  if (!bytes) return nullptr;
  return std::string(as_text(*bytes));
}

}  // namespace moldau::cli
