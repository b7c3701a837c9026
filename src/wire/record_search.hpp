#pragma once

#include <cstdint>
#include <optional>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "wire/compression.hpp"
#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"

namespace moldau::wire {

/// A record's place and time, as ListOffsets answers.
struct timestamp_offset {
  std::int64_t timestamp_ms = no_timestamp;
  moldau::offset offset = no_offset;

  friend bool operator==(const timestamp_offset&, const timestamp_offset&) = default;
};

/// The first record of the batch that isn't before `timestamp_ms` and not before offset `from`; nothing if there is
/// none. Opens the batch.
/// Errors: as `record_reader`.
[[nodiscard]] result<std::optional<timestamp_offset>> first_since(batch_view batch, std::int64_t timestamp_ms,
                                                                  offset from, codec_context& context,
                                                                  record_limits limits = {});

/// The first record that has the batch's largest timestamp (KIP-734); nothing if the batch has no timestamps. With
/// LogAppendTime that is its first offset, and it isn't opened.
/// Errors: as `record_reader`.
[[nodiscard]] result<std::optional<timestamp_offset>> first_of_max_timestamp(batch_view batch, codec_context& context,
                                                                             record_limits limits = {});

}  // namespace moldau::wire
