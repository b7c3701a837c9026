#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "moldau/core/result.hpp"
#include "rt/file.hpp"
#include "wire/record_batch.hpp"

namespace moldau::offline {

/// What a walk of a segment saw.
struct segment_end {
  std::uint64_t size_bytes = 0;
  /// Behind the last whole batch.
  std::uint64_t whole_bytes = 0;
  std::uint64_t batches = 0;
};

/// Reads a `.log` (or a snapshot) batch by batch and calls `each` with every whole one and its position. The views are
/// valid inside the call. Blocks.
/// Errors: those of the file; `errc::corrupt_message` with the position, where the framing makes no sense.
[[nodiscard]] result<segment_end> walk_segment(
    rt::file_system& files, const std::string& path,
    const std::function<result<void>(std::uint64_t position, const wire::batch_view& batch)>& each);

}  // namespace moldau::offline
