#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/result.hpp"
#include "wire/compression.hpp"
#include "wire/record_batch.hpp"

namespace moldau::wire {

/// What a batch says about all its records.
struct batch_options {
  wire::compression compression;
  offset base_offset{0};
  moldau::leader_epoch leader_epoch = no_leader_epoch;
  moldau::timestamp_type timestamp_type = moldau::timestamp_type::create_time;
  /// With LogAppendTime: the time of all records.
  std::int64_t log_append_time_ms = no_timestamp;
  moldau::producer_id producer_id = no_producer_id;
  moldau::producer_epoch producer_epoch = no_producer_epoch;
  std::int32_t base_sequence = no_sequence;
  bool is_transactional = false;
  bool is_control = false;
  /// The cleaner's: when the batch's tombstones may go (KIP-534).
  std::optional<std::int64_t> delete_horizon_ms;
};

/// Writes batches of magic 2, one after another: `begin`, `append`..., `finish`. Not thread safe. It keeps its memory,
/// so that after the first batches an append allocates nothing.
class batch_builder {
 public:
  /// `capacity_bytes` is how much room a batch is given at first (`batch.size`); it grows as it must.
  explicit batch_builder(std::size_t capacity_bytes = 16 * 1024) : capacity_(capacity_bytes) {}

  /// Starts a batch; what was appended and not finished is gone.
  void begin(const batch_options& options);

  /// Appends a record at the next offset. The bytes are copied.
  /// Errors: `errc::message_too_large` for a batch past 2 GiB.
  [[nodiscard]] result<void> append(std::int64_t timestamp_ms, std::optional<bytes_view> key,
                                    std::optional<bytes_view> value, std::span<const header_view> headers = {}) {
    return append_at(next_offset_, timestamp_ms, key, value, headers);
  }
  /// Appends a record at `at`, past every one before: for the cleaner, which leaves gaps.
  /// Errors: `errc::invalid_argument` for an offset that isn't, otherwise as `append`.
  [[nodiscard]] result<void> append_at(offset at, std::int64_t timestamp_ms, std::optional<bytes_view> key,
                                       std::optional<bytes_view> value, std::span<const header_view> headers = {});

  /// The last offset that the batch covers, if that isn't its last record's: for the cleaner.
  void set_last_offset(offset last) { next_offset_ = std::max(next_offset_, offset(wrapping_add(last.value(), 1))); }
  /// A producer learns these only when the batch is about to leave.
  void set_producer(producer_id id, producer_epoch epoch, std::int32_t base_sequence);

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::int32_t record_count() const { return count_; }
  [[nodiscard]] offset next_offset() const { return next_offset_; }
  [[nodiscard]] std::int64_t max_timestamp_ms() const { return max_timestamp_; }
  /// The batch's size so far before compression, header included.
  [[nodiscard]] std::size_t uncompressed_bytes() const { return size_; }
  /// What `append` of such a record would add at most.
  [[nodiscard]] static std::size_t record_bytes_max(std::optional<bytes_view> key, std::optional<bytes_view> value,
                                                    std::span<const header_view> headers = {});

  /// Compresses, writes header and CRC, and hands the batch out; the builder is then as after construction, its
  /// memory kept. Without records it writes a header alone.
  /// Errors: as `compress`.
  [[nodiscard]] result<shared_bytes> finish(codec_context& context);

  /// As `finish`, for batches that are kept and used again: the records stay here until the next `begin`, so that the
  /// batch can be finished once more, or split. Without a codec the bytes are the builder's own block; otherwise they
  /// go to `spare`, which is replaced only if it is too small or somebody else holds it too.
  [[nodiscard]] result<shared_bytes> finish_kept(codec_context& context, shared_bytes& spare);

  /// The memory that the builder holds for the records.
  [[nodiscard]] std::size_t capacity() const { return block_.size(); }
  /// Sees to it that a batch of so many bytes takes no more memory.
  void reserve(std::size_t bytes);
  /// Gives the memory back; what was appended is gone.
  void release();
  /// The records so far as they stand in the batch, one after another.
  [[nodiscard]] bytes_view records() const {
    return count_ == 0 ? bytes_view()
                       : block_.view().subspan(batch_layout::header_size, size_ - batch_layout::header_size);
  }
  [[nodiscard]] std::int64_t base_timestamp_ms() const { return base_timestamp_; }

 private:
  std::byte* room_for(std::size_t more);
  result<void> check_last_offset() const;
  void write_header(shared_bytes& out, codec type) const;

  batch_options options_;
  std::size_t capacity_;
  shared_bytes block_;
  shared_bytes compressed_;
  std::size_t size_ = batch_layout::header_size;
  offset next_offset_{0};
  std::int32_t count_ = 0;
  std::int64_t base_timestamp_ = no_timestamp;
  std::int64_t max_timestamp_ = no_timestamp;
};

/// What the cleaner leaves of a batch that has lost all its records, so that its producer's sequence isn't forgotten:
/// the header `of` it alone, offsets and producer kept.
[[nodiscard]] shared_bytes empty_batch(const batch_header& of);

}  // namespace moldau::wire
