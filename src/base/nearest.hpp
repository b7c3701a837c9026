#pragma once

#include <span>
#include <string_view>

namespace moldau::base {

/// The name that was most likely meant by what somebody typed; empty if none is near.
[[nodiscard]] std::string_view nearest(std::string_view typed, std::span<const std::string_view> names);

}  // namespace moldau::base
