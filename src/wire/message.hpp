#pragma once

#include <cstdint>
#include <string_view>

#include "moldau/core/result.hpp"

/// What generated sources share; nothing else includes it.
namespace moldau::wire {

/// `errc::unsupported_version` unless `version` is one of the message's.
[[nodiscard]] result<void> check_version(std::string_view message, std::int16_t version, std::int16_t min,
                                         std::int16_t max);

}  // namespace moldau::wire
