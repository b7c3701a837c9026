#pragma once

#include <cstdint>

namespace moldau::cli::io {

/// Nanoseconds of a clock that is never set.
[[nodiscard]] std::int64_t steady_ns();
/// Comes back at that time of `steady_ns`, or at once if it is over.
void sleep_until_ns(std::int64_t when);

/// User and system time of this process.
[[nodiscard]] double cpu_seconds();
/// The most memory that this process has had resident, in bytes.
[[nodiscard]] std::uint64_t peak_memory_bytes();

}  // namespace moldau::cli::io
