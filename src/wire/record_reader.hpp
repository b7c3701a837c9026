#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/result.hpp"
#include "wire/compression.hpp"
#include "wire/record_batch.hpp"

namespace moldau::wire {

/// How far a reader goes for bytes that it didn't write itself.
struct record_limits {
  /// The most that one batch's records may come to once decompressed.
  std::size_t batch_bytes_max = std::size_t{1} << 30U;
  /// The most that one record of a compressed batch may take: the reader's memory grows to about that, and only as
  /// far as bytes really come out.
  std::size_t record_bytes_max = std::size_t{256} << 20U;
};

/// Yields the records of one batch of any magic, one after another; not thread safe, cheap to make.
///
/// A record's views point into the batch if it isn't compressed. If it is, they point into a window that the next call
/// moves: they are valid until then, as `headers` always are. Who needs a whole compressed batch to stay in memory
/// decompresses it first (`decompress`) and reads with `over`.
class record_reader {
 public:
  /// Opens `batch`, whose bytes (and `context`, if it is compressed) must outlive this. The CRC isn't looked at.
  /// Errors: `errc::corrupt_message`, `errc::message_too_large` (magic 0 and 1, which are decompressed here), both as
  /// in `next`; `errc::unsupported_compression_type`.
  [[nodiscard]] static result<record_reader> open(batch_view batch, codec_context& context, record_limits limits = {});
  /// Reads `records`, uncompressed, which belong to the magic 2 batch of that header.
  [[nodiscard]] static record_reader over(const batch_header& header, bytes_view records);

  record_reader(record_reader&&) noexcept;
  record_reader& operator=(record_reader&&) noexcept;
  ~record_reader();

  /// Puts the next record to `out`; false at the end, where the count has been met and nothing is left over.
  /// Errors: `errc::corrupt_message` for whatever isn't as the header says; `errc::message_too_large` past a limit.
  /// After an error the reader is done.
  [[nodiscard]] result<bool> next(record_view& out);

  /// Decompressed bytes of the records read so far, or plain ones.
  [[nodiscard]] std::size_t records_bytes() const { return consumed_; }

 private:
  record_reader() = default;
  [[nodiscard]] result<bool> next_legacy(record_view& out);
  [[nodiscard]] result<bool> next_streamed(record_view& out);
  [[nodiscard]] result<bool> refill(std::size_t at_least);
  [[nodiscard]] result<void> parse(bytes_view body, record_view& out);

  struct stream;
  struct legacy;

  batch_header header_;
  bytes_view rest_;
  std::int32_t left_ = 0;
  std::size_t consumed_ = 0;
  std::vector<header_view> headers_;
  std::unique_ptr<stream> stream_;
  std::unique_ptr<legacy> legacy_;
};

}  // namespace moldau::wire
