#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/result.hpp"
#include "wire/batch_builder.hpp"

namespace moldau::wire {

/// What a control record says; the number stands in its key.
enum class control_record_type : std::int16_t {
  unknown = -1,
  abort = 0,
  commit = 1,
  leader_change = 2,
  snapshot_header = 3,
  snapshot_footer = 4,
  kraft_version = 5,
  kraft_voters = 6,
};

/// A control record's key: version (0) and type, 16 bits each. Newer versions may be longer.
using control_key = std::array<std::byte, 4>;
[[nodiscard]] control_key encode_control_key(control_record_type type);
/// The type that a key names, `unknown` for one that we don't know.
/// Errors: `errc::corrupt_message` for a key that is missing, too short, or of a negative version.
[[nodiscard]] result<control_record_type> decode_control_key(std::optional<bytes_view> key);

/// The value of a commit or abort record.
struct end_txn_marker {
  control_record_type type = control_record_type::abort;
  std::int32_t coordinator_epoch = 0;

  using value_bytes = std::array<std::byte, 6>;
  [[nodiscard]] value_bytes encode_value() const;
  /// Errors: `errc::corrupt_message` if the record is no commit or abort, or its value is cut short.
  [[nodiscard]] static result<end_txn_marker> decode(const record_view& record);

  friend bool operator==(const end_txn_marker&, const end_txn_marker&) = default;
};

/// The batch of one record that ends a producer's transaction in a partition, as its leader writes it.
[[nodiscard]] result<shared_bytes> end_txn_batch(const end_txn_marker& marker, producer_id id, producer_epoch epoch,
                                                 std::int64_t timestamp_ms, batch_builder& builder,
                                                 codec_context& context);

/// The batch of one control record of the metadata log, whose value is the encoded message of that type.
[[nodiscard]] result<shared_bytes> control_batch(control_record_type type, bytes_view value, offset at,
                                                 leader_epoch epoch, std::int64_t timestamp_ms, batch_builder& builder,
                                                 codec_context& context);

}  // namespace moldau::wire
