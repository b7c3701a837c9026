#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/result.hpp"
#include "wire/compression.hpp"
#include "wire/record_batch.hpp"

namespace moldau::wire {

/// The records of one message of magic 0 or 1 of an old segment.
struct legacy_records {
  /// Holds what was decompressed; the views point into it, or into the message itself if it wasn't compressed.
  shared_bytes decompressed;
  std::vector<record_view> records;
};

/// Reads the message `batch`, a plain one or a compressed one that wraps others: resolves relative offsets (magic 1
/// counts them from the wrapper's, which is the last one's) and timestamps (the wrapper's with LogAppendTime).
/// No CRC is looked at. What is cut short at the end of a wrapper is left out, as Kafka does.
///
/// Errors: `errc::corrupt_message`; `errc::message_too_large` if more than `limit_bytes` come out.
[[nodiscard]] result<legacy_records> read_legacy(batch_view batch, codec_context& context, std::size_t limit_bytes);

}  // namespace moldau::wire
