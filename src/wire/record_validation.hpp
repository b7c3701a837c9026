#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "wire/compression.hpp"
#include "wire/record_batch.hpp"
#include "wire/record_reader.hpp"

namespace moldau::wire {

/// Who wrote what is about to be appended by a leader.
enum class append_origin : std::uint8_t {
  client,       ///< A produce request: no control records, counts and sequences must be right.
  coordinator,  ///< Our own coordinators and the transaction coordinator's markers.
};

/// What a topic asks of a produced batch.
struct produce_rules {
  append_origin origin = append_origin::client;
  /// Named in messages ("orders-3").
  std::string_view topic;
  partition_id partition{0};
  /// Produce came to know zstd in version 7.
  bool is_zstd_known = true;
  /// `cleanup.policy` holds compact: every record needs a key.
  bool is_compacted = false;
  /// `message.timestamp.type`.
  moldau::timestamp_type timestamp_type = moldau::timestamp_type::create_time;
  std::int64_t now_ms = 0;
  /// `message.timestamp.before.max.ms` and `.after.max.ms`.
  std::int64_t timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
  std::int64_t timestamp_after_max_ms = 3'600'000;
  /// `max.message.bytes`.
  std::size_t batch_bytes_max = 1'048'588;
  /// `compression.type`: nothing for "producer" (keep what came), otherwise what the log holds.
  std::optional<codec> stored_codec;
  record_limits limits;
};

/// A record that spoils its batch, as the produce response of version 8 tells it (KIP-467).
struct record_error {
  std::int32_t batch_index = 0;
  std::string message;

  friend bool operator==(const record_error&, const record_error&) = default;
};

/// At most so many records' errors are told: a batch may have a million of them.
inline constexpr std::size_t record_errors_max = 100;

/// Why a batch wasn't taken.
struct produce_error {
  errc code = errc::unknown_server_error;
  std::string message;
  std::vector<record_error> record_errors;
};

/// What `validate_produce` learnt.
struct validated_batch {
  batch_view batch;
  /// The largest timestamp the batch will have in the log: of the records walked, of the header if they weren't, or
  /// now with LogAppendTime.
  std::int64_t max_timestamp_ms = no_timestamp;
  moldau::timestamp_type timestamp_type = moldau::timestamp_type::create_time;
  /// The log wants another codec: `rebuild` before appending.
  bool needs_rebuild = false;
};

/// Whether `validate_produce` has to decompress the records: a worker's business, as they may be many times as large.
[[nodiscard]] bool must_decompress(bytes_view records, const produce_rules& rules);

/// Checks the one batch of magic 2 that a produce request holds for a partition, in the receive buffer, and changes
/// nothing. One pass for the CRC, one over the records if they aren't compressed; compressed ones are opened only
/// where the topic is compacted or the codec changes. The differences from Kafka's validator are listed in the .cpp.
///
/// Errors: `errc::corrupt_message`, `invalid_record`, `invalid_timestamp`, `message_too_large`,
/// `unsupported_compression_type`.
[[nodiscard]] std::expected<validated_batch, produce_error> validate_produce(bytes_view records,
                                                                             const produce_rules& rules,
                                                                             codec_context& context);

/// Writes what the leader decides into the batch, in place: base offset, leader epoch, timestamp type and largest
/// timestamp, and the CRC if those changed. `batch` are the bytes that were validated.
void assign(mutable_bytes batch, const validated_batch& valid, offset base, leader_epoch epoch);

/// The same records under another codec, everything else as it was. For a worker: it decompresses and compresses.
/// Errors: as `record_reader` and `compress`.
[[nodiscard]] result<shared_bytes> rebuild(batch_view batch, const compression& how, codec_context& context,
                                           record_limits limits = {});

}  // namespace moldau::wire
