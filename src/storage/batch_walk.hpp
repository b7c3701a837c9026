#pragma once

#include <cstdint>
#include <optional>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "rt/file.hpp"
#include "storage/offset_index.hpp"
#include "wire/record_batch.hpp"

namespace moldau::storage {

/// What a batch's header tells, and where in its segment it lies.
struct batch_info {
  offset base;
  offset last;
  std::uint64_t position = 0;
  std::uint64_t size = 0;
  std::int64_t max_timestamp_ms = -1;

  [[nodiscard]] std::uint64_t end() const { return position + size; }
};

[[nodiscard]] batch_info info_of(const wire::batch_view& batch, std::uint64_t position);

/// The header of the batch at `position` of a segment that holds `end` bytes; nothing if no whole batch is left.
/// Errors: `corrupt_message`, `would_block`, `io_error`.
[[nodiscard]] result<std::optional<batch_info>> read_batch_info(rt::file& segment, access how, std::uint64_t position,
                                                                std::uint64_t end);

/// The first batch from `position` on whose last offset is `at` or above; nothing if there is none below `end`.
[[nodiscard]] result<std::optional<batch_info>> seek_batch(rt::file& segment, access how, std::uint64_t position,
                                                           std::uint64_t end, offset at);

/// Reads whole batches one after another through a buffer. Blocks.
class batch_walk {
 public:
  batch_walk(rt::file& segment, std::uint64_t position, std::uint64_t end)
      : segment_(segment), position_(position), end_(end) {}

  /// The next batch, valid until the next call; nothing at the end or where only a part of one is left.
  /// Errors: `corrupt_message` (framing only; the CRC is the caller's), `io_error`.
  [[nodiscard]] result<std::optional<wire::batch_view>> next();

  /// Where the batch that `next` gave last begins, and where the next one does.
  [[nodiscard]] std::uint64_t position() const { return last_position_; }
  [[nodiscard]] std::uint64_t next_position() const { return position_; }

 private:
  static constexpr std::size_t usual_buffer = 1U << 20U;

  [[nodiscard]] result<bool> fill(std::size_t wanted);

  rt::file& segment_;
  std::uint64_t position_;
  std::uint64_t end_;
  std::uint64_t last_position_ = 0;
  shared_bytes buffer_;
  std::size_t from_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace moldau::storage
