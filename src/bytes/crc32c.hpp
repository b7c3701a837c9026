#pragma once

#include <cstdint>

#include "moldau/core/bytes.hpp"

namespace moldau::bytes {

/// CRC-32C (Castagnoli) of `data`, going on from `seed` (the CRC of what came before; 0 to start).
[[nodiscard]] std::uint32_t crc32c(bytes_view data, std::uint32_t seed = 0);

}  // namespace moldau::bytes
