#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"

namespace moldau {

/// One header of a record; the value may be null.
struct header_view {
  std::string_view key;
  std::optional<bytes_view> value;
};

/// Whose clock a record's timestamp comes from (`message.timestamp.type`).
enum class timestamp_type : std::int8_t { none = -1, create_time = 0, log_append_time = 1 };

/// The one decoded record: views into the batch it came from, valid as long as that.
struct record_view {
  moldau::offset offset = no_offset;
  /// Milliseconds since 1970, or -1.
  std::int64_t timestamp_ms = -1;
  moldau::timestamp_type timestamp_type = timestamp_type::create_time;
  moldau::leader_epoch leader_epoch = no_leader_epoch;
  std::optional<bytes_view> key;
  std::optional<bytes_view> value;
  std::span<const header_view> headers;
};

}  // namespace moldau
