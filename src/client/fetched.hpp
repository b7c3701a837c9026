#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "moldau/client/consumer.hpp"
#include "moldau/core/bytes.hpp"
#include "wire/arena.hpp"
#include "wire/compression.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/record_batch.hpp"

namespace moldau::client {

/// What a `record_batch` keeps: the fetched bytes, or what came out of them, and views of its records.
struct record_batch::body {
  std::string topic;
  moldau::partition_id partition;
  std::vector<record_view> records;
  moldau::offset high_watermark = no_offset;
  moldau::offset next_offset = no_offset;

  shared_bytes fetched;
  shared_bytes inflated;
  wire::arena copies;
  std::vector<header_view> headers;
};

/// One partition's part of an answer to Fetch, opened batch by batch. Sans-I/O.
///
/// Skips control records, records before the position, and with read_committed those of aborted transactions.
class fetched_partition {
 public:
  /// `records` is a slice of the answer. `aborted` as the broker listed it.
  fetched_partition(topic_partition of, shared_bytes records, offset from, offset high_watermark,
                    std::vector<wire::protocol::fetch_response::aborted_transaction> aborted, isolation level);

  /// The next batch, perhaps without records; nothing at the end. One that can't be opened remains the next.
  /// Errors: `errc::corrupt_message` with the place, `unsupported_compression_type`.
  [[nodiscard]] result<std::unique_ptr<record_batch::body>> next(wire::codec_context& codecs);
  /// Behind all that has been opened.
  [[nodiscard]] offset position() const { return position_; }

 private:
  result<void> open(const wire::batch_view& batch, record_batch::body& into, wire::codec_context& codecs);
  [[nodiscard]] bool is_aborted(const wire::batch_view& batch);

  topic_partition of_;
  shared_bytes records_;
  bytes_view rest_;
  offset position_;
  offset high_watermark_;
  std::vector<wire::protocol::fetch_response::aborted_transaction> aborted_;
  std::size_t next_aborted_ = 0;
  std::set<producer_id> aborting_;
  isolation level_;
};

/// Where whole batches in `records` end: the offset behind the last of them; `from` if there is none.
[[nodiscard]] offset end_of_batches(bytes_view records, offset from);

}  // namespace moldau::client
