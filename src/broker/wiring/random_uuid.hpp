#pragma once

#include <array>
#include <cstring>

#include "moldau/core/ids.hpp"
#include "rt/world.hpp"

namespace moldau::broker {

/// A random id of Java's version 4. As Kafka's, its text never starts with a dash, which command lines would take for
/// an option.
[[nodiscard]] inline uuid random_uuid(rt::world& world) {
  for (;;) {
    std::array<std::byte, 16> bytes{};
    const std::uint64_t parts[2] = {world.random(), world.random()};
    std::memcpy(bytes.data(), parts, sizeof parts);
    bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
    bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
    const uuid out(bytes);
    if (out.to_string().front() != '-') return out;
  }
}

}  // namespace moldau::broker
