#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moldau::cli {

/// The name that was most likely meant; empty if none is near.
[[nodiscard]] std::string nearest(std::string_view typed, const std::vector<std::string>& names);

}  // namespace moldau::cli
