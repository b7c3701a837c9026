#include "cli/suggest.hpp"

#include "base/nearest.hpp"

namespace moldau::cli {

std::string nearest(std::string_view typed, const std::vector<std::string>& names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  return std::string(base::nearest(typed, views));
}

}  // namespace moldau::cli
