#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "bytes/endian.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/result.hpp"
#include "wire/compression.hpp"

namespace moldau::wire {

/// Where the fields of a batch of magic 2 lie. The CRC covers everything from `attributes` on, so the three fields
/// that a broker always writes (base offset, length, leader epoch) change without it.
namespace batch_layout {
inline constexpr std::size_t base_offset = 0;
inline constexpr std::size_t length = 8;
inline constexpr std::size_t leader_epoch = 12;
inline constexpr std::size_t magic = 16;
inline constexpr std::size_t crc = 17;
inline constexpr std::size_t attributes = 21;
inline constexpr std::size_t last_offset_delta = 23;
inline constexpr std::size_t base_timestamp = 27;
inline constexpr std::size_t max_timestamp = 35;
inline constexpr std::size_t producer_id = 43;
inline constexpr std::size_t producer_epoch = 51;
inline constexpr std::size_t base_sequence = 53;
inline constexpr std::size_t record_count = 57;
inline constexpr std::size_t records = 61;

inline constexpr std::size_t header_size = records;
/// Base offset and length, which every magic starts with; `length` counts what follows them.
inline constexpr std::size_t log_overhead = 12;
/// What must be there to tell a batch's size and magic.
inline constexpr std::size_t prefix_size = 17;
}  // namespace batch_layout

/// The same for the messages of magic 0 and 1: CRC-32 (not Castagnoli) of what follows it, magic, attributes, with
/// magic 1 a timestamp, then key and value.
namespace legacy_layout {
inline constexpr std::size_t offset = 0;
inline constexpr std::size_t length = 8;
inline constexpr std::size_t crc = 12;
inline constexpr std::size_t magic = 16;
inline constexpr std::size_t attributes = 17;
inline constexpr std::size_t key_v0 = 18;
inline constexpr std::size_t timestamp = 18;
inline constexpr std::size_t key_v1 = 26;
inline constexpr std::size_t min_size_v0 = 26;
inline constexpr std::size_t min_size_v1 = 34;
}  // namespace legacy_layout

inline constexpr std::int8_t magic_v0 = 0;
inline constexpr std::int8_t magic_v1 = 1;
inline constexpr std::int8_t magic_v2 = 2;
inline constexpr std::int64_t no_timestamp = -1;
inline constexpr std::int32_t no_sequence = -1;

/// A batch's attribute bits. Of magic 0 and 1 only the codec and (magic 1) the timestamp type mean anything.
struct batch_attributes {
  static constexpr std::int16_t codec_mask = 0x07;
  static constexpr std::int16_t log_append_time = 0x08;
  static constexpr std::int16_t transactional = 0x10;
  static constexpr std::int16_t control = 0x20;
  static constexpr std::int16_t delete_horizon = 0x40;

  std::int16_t bits = 0;

  /// May be a number that names no codec: `is_known_codec` first where the bytes come from outside.
  [[nodiscard]] constexpr codec compression() const { return static_cast<codec>(bits & codec_mask); }
  [[nodiscard]] constexpr bool is_known_codec() const {
    return static_cast<std::size_t>(bits & codec_mask) < codec_count;
  }
  [[nodiscard]] constexpr moldau::timestamp_type timestamp_type() const {
    return (bits & log_append_time) != 0 ? moldau::timestamp_type::log_append_time
                                         : moldau::timestamp_type::create_time;
  }
  [[nodiscard]] constexpr bool is_transactional() const { return (bits & transactional) != 0; }
  [[nodiscard]] constexpr bool is_control() const { return (bits & control) != 0; }
  /// The base timestamp is when the batch's tombstones may go (KIP-534).
  [[nodiscard]] constexpr bool has_delete_horizon() const { return (bits & delete_horizon) != 0; }

  friend constexpr bool operator==(batch_attributes, batch_attributes) = default;
};

/// Sum and difference as Java computes them: offsets and timestamps of bytes from outside may be anything.
[[nodiscard]] constexpr std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

[[nodiscard]] constexpr std::int64_t wrapping_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

/// The next sequence number after `by` records: they wrap from the largest to 0.
[[nodiscard]] constexpr std::int32_t advance_sequence(std::int32_t sequence, std::int32_t by) {
  const auto sum = static_cast<std::uint32_t>(sequence) + static_cast<std::uint32_t>(by);
  return sum > 0x7fffffffU ? static_cast<std::int32_t>(sum - 0x80000000U) : static_cast<std::int32_t>(sum);
}

/// The decoded header of a batch of magic 2. `decode` needs the first 61 bytes only, so a file is walked by headers.
struct batch_header {
  offset base_offset{0};
  /// Of what follows this field: the batch takes 12 bytes more.
  std::int32_t length = static_cast<std::int32_t>(batch_layout::header_size - batch_layout::log_overhead);
  moldau::leader_epoch leader_epoch = no_leader_epoch;
  std::int8_t magic = magic_v2;
  std::uint32_t crc = 0;
  batch_attributes attributes;
  std::int32_t last_offset_delta = -1;
  std::int64_t base_timestamp_ms = no_timestamp;
  std::int64_t max_timestamp_ms = no_timestamp;
  moldau::producer_id producer_id = no_producer_id;
  moldau::producer_epoch producer_epoch = no_producer_epoch;
  std::int32_t base_sequence = no_sequence;
  std::int32_t record_count = 0;

  [[nodiscard]] offset last_offset() const { return offset(wrapping_add(base_offset.value(), last_offset_delta)); }
  [[nodiscard]] offset next_offset() const { return offset(wrapping_add(last_offset().value(), 1)); }
  [[nodiscard]] std::size_t size_bytes() const { return static_cast<std::size_t>(length) + batch_layout::log_overhead; }
  [[nodiscard]] bool has_producer_id() const { return producer_id > no_producer_id; }
  [[nodiscard]] std::int32_t last_sequence() const {
    return base_sequence == no_sequence ? no_sequence : advance_sequence(base_sequence, last_offset_delta);
  }
  [[nodiscard]] std::optional<std::int64_t> delete_horizon_ms() const {
    return attributes.has_delete_horizon() ? std::optional(base_timestamp_ms) : std::nullopt;
  }

  /// Errors: `errc::corrupt_message` if there are fewer than 61 bytes, the length can't hold a header, or the magic
  /// isn't 2. The payload isn't looked at and needn't be there.
  [[nodiscard]] static result<batch_header> decode(bytes_view bytes);
  /// Writes the 61 bytes to `to`, `crc` as it is.
  void encode(std::byte* to) const;

  friend bool operator==(const batch_header&, const batch_header&) = default;
};

/// The size of the batch that starts at `prefix`, its 12 bytes of overhead included, told from its first 17 bytes.
/// Any magic. The rest needn't be there: for walking files, and for knowing how much to read.
/// Errors: `errc::corrupt_message` for a length that can't hold the magic's header, an unknown magic, fewer bytes.
[[nodiscard]] result<std::size_t> batch_size(bytes_view prefix);

/// One whole batch in memory, decoded field by field as it is asked. Cheap to copy; valid as long as the bytes.
///
/// Of magic 0 and 1 a "batch" is one message (a compressed one holds others); the fields that they lack read as none.
class batch_view {
 public:
  batch_view() = default;
  /// `bytes` is exactly one batch whose framing has been checked, by `first_batch` or because we made it.
  explicit batch_view(bytes_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bytes_view bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size_bytes() const { return bytes_.size(); }
  [[nodiscard]] std::int8_t magic() const { return load<std::int8_t>(batch_layout::magic); }
  [[nodiscard]] bool is_legacy() const { return magic() < magic_v2; }

  /// Of a compressed message of magic 0 or 1 this is the *last* offset inside: only its records tell the first.
  [[nodiscard]] offset base_offset() const { return offset(load<std::int64_t>(batch_layout::base_offset)); }
  [[nodiscard]] std::int32_t last_offset_delta() const {
    return is_legacy() ? 0 : load<std::int32_t>(batch_layout::last_offset_delta);
  }
  [[nodiscard]] offset last_offset() const { return offset(wrapping_add(base_offset().value(), last_offset_delta())); }
  [[nodiscard]] offset next_offset() const { return offset(wrapping_add(last_offset().value(), 1)); }

  [[nodiscard]] moldau::leader_epoch leader_epoch() const {
    return is_legacy() ? no_leader_epoch : moldau::leader_epoch(load<std::int32_t>(batch_layout::leader_epoch));
  }
  [[nodiscard]] batch_attributes attributes() const {
    if (is_legacy()) {
      const int kept = magic() == magic_v0 ? 0x07 : 0x0f;
      return {static_cast<std::int16_t>(load<std::int8_t>(legacy_layout::attributes) & kept)};
    }
    return {load<std::int16_t>(batch_layout::attributes)};
  }
  [[nodiscard]] codec compression() const { return attributes().compression(); }
  [[nodiscard]] moldau::timestamp_type timestamp_type() const {
    return magic() == magic_v0 ? moldau::timestamp_type::none : attributes().timestamp_type();
  }
  [[nodiscard]] bool is_transactional() const { return attributes().is_transactional(); }
  [[nodiscard]] bool is_control() const { return attributes().is_control(); }

  [[nodiscard]] std::int64_t base_timestamp_ms() const {
    return is_legacy() ? max_timestamp_ms() : load<std::int64_t>(batch_layout::base_timestamp);
  }
  /// The largest timestamp of the records, as the header claims it.
  [[nodiscard]] std::int64_t max_timestamp_ms() const {
    if (magic() == magic_v0) return no_timestamp;
    return load<std::int64_t>(magic() == magic_v1 ? legacy_layout::timestamp : batch_layout::max_timestamp);
  }
  [[nodiscard]] std::optional<std::int64_t> delete_horizon_ms() const {
    return attributes().has_delete_horizon() ? std::optional(base_timestamp_ms()) : std::nullopt;
  }

  [[nodiscard]] moldau::producer_id producer_id() const {
    return is_legacy() ? no_producer_id : moldau::producer_id(load<std::int64_t>(batch_layout::producer_id));
  }
  [[nodiscard]] moldau::producer_epoch producer_epoch() const {
    return is_legacy() ? no_producer_epoch : moldau::producer_epoch(load<std::int16_t>(batch_layout::producer_epoch));
  }
  [[nodiscard]] bool has_producer_id() const { return producer_id() > no_producer_id; }
  [[nodiscard]] std::int32_t base_sequence() const {
    return is_legacy() ? no_sequence : load<std::int32_t>(batch_layout::base_sequence);
  }
  [[nodiscard]] std::int32_t last_sequence() const {
    const std::int32_t base = base_sequence();
    return base == no_sequence ? no_sequence : advance_sequence(base, last_offset_delta());
  }
  /// As the header claims it; for magic 0 and 1, 1 (uncompressed) or nothing (only the records tell).
  [[nodiscard]] std::optional<std::int32_t> record_count() const {
    if (is_legacy()) return compression() == codec::none ? std::optional(1) : std::nullopt;
    return load<std::int32_t>(batch_layout::record_count);
  }
  /// The records' bytes, compressed or not. Magic 2 only.
  [[nodiscard]] bytes_view payload() const { return bytes_.subspan(batch_layout::records); }

  [[nodiscard]] std::uint32_t crc() const {
    return load<std::uint32_t>(is_legacy() ? legacy_layout::crc : batch_layout::crc);
  }
  /// Computes the checksum of the bytes: one pass over them.
  [[nodiscard]] std::uint32_t computed_crc() const;
  [[nodiscard]] bool is_crc_ok() const { return crc() == computed_crc(); }

  /// All fields at once; magic 2 only.
  [[nodiscard]] batch_header header() const;

 private:
  template <typename T>
  [[nodiscard]] T load(std::size_t at) const {
    return bytes::load_be<T>(bytes_.data() + at);
  }

  bytes_view bytes_;
};

/// The batch at the front of `bytes`, of any magic, its framing checked: the length against what is there and against
/// the magic's header. Neither CRC nor records are looked at.
/// Errors: `errc::corrupt_message`.
[[nodiscard]] result<batch_view> first_batch(bytes_view bytes);

/// Walks the batches that lie one after another, as in a segment or a fetch response, where the last may be cut short.
class batch_iterator {
 public:
  explicit batch_iterator(bytes_view bytes) : rest_(bytes) {}

  /// The next batch, or nothing at the end or where only a part of one is left (`rest()` then isn't empty).
  /// Errors: `errc::corrupt_message`; the iterator stays where it is.
  [[nodiscard]] result<std::optional<batch_view>> next();

  /// What hasn't been walked.
  [[nodiscard]] bytes_view rest() const { return rest_; }

 private:
  bytes_view rest_;
};

/// Changes to one whole batch of magic 2 in place, by whoever owns its bytes alone. The first two leave the CRC valid
/// as it is; the others compute it anew.
void set_base_offset(mutable_bytes batch, offset base);
void set_leader_epoch(mutable_bytes batch, leader_epoch epoch);
/// Sets the timestamp type and the largest timestamp; does nothing if both are so already. With LogAppendTime every
/// record then reads as written at `max_timestamp_ms`.
void set_max_timestamp(mutable_bytes batch, timestamp_type type, std::int64_t max_timestamp_ms);
/// Sets who wrote it, as a producer does just before it sends.
void set_producer(mutable_bytes batch, producer_id id, producer_epoch epoch, std::int32_t base_sequence,
                  bool is_transactional);
/// Writes the CRC of the bytes as they are.
void update_crc(mutable_bytes batch);

}  // namespace moldau::wire
