#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "bytes/buffer_pool.hpp"
#include "client/record_decoder.hpp"
#include "moldau/client/consumer.hpp"
#include "moldau/core/bytes.hpp"
#include "wire/arena.hpp"
#include "wire/compression.hpp"
#include "wire/protocol/fetch_response.hpp"
#include "wire/record_batch.hpp"

namespace moldau::client {

class body_pool;

/// What record batches share: the fetched bytes, or what came out of them, and views of its records. Comes from a pool
/// and goes back to it with the last reference, on whatever thread that is.
struct record_batch::body {
  std::atomic<std::uint32_t> references{1};
  std::shared_ptr<body_pool> home;

  std::shared_ptr<const topic_partition> of;
  decoded_records decoded;
  moldau::offset high_watermark = no_offset;
  moldau::offset last_stable_offset = no_offset;
  moldau::offset log_start_offset = no_offset;
  /// Behind all that was read, and the epoch of the last batch.
  moldau::offset next_offset = no_offset;
  moldau::leader_epoch next_epoch = no_leader_epoch;
  /// Of the payloads, decompressed.
  std::size_t bytes = 0;

  shared_bytes fetched;
  std::vector<shared_bytes> inflated;
  wire::arena copies;

  void retain() { references.fetch_add(1, std::memory_order_relaxed); }
  void release();
};

/// Bodies to use again. Any thread.
class body_pool : public std::enable_shared_from_this<body_pool> {
 public:
  ~body_pool();
  [[nodiscard]] record_batch::body* take();
  void give(record_batch::body* back);

 private:
  static constexpr std::size_t kept_max = 16;
  static constexpr std::size_t kept_records_max = std::size_t{1} << 17U;

  std::mutex mutex_;
  std::vector<record_batch::body*> free_;
};

struct body_release {
  void operator()(record_batch::body* of) const { of->release(); }
};
/// One reference.
using body_ptr = std::unique_ptr<record_batch::body, body_release>;

/// What decoding needs and keeps from one part to the next. One decoding at a time, on any thread.
struct decode_context {
  wire::codec_context codecs;
  bytes::buffer_pool buffers{std::size_t{16} << 20U};
  /// How many times larger the last payload was than what it came from.
  std::size_t growth = 4;
};

/// One partition's part of an answer to Fetch, and how to open it. Sans-I/O.
///
/// Skips control records, records before the position, and with read_committed those of aborted transactions.
class fetched_partition {
 public:
  struct bounds {
    offset high_watermark = no_offset;
    offset last_stable_offset = no_offset;
    offset log_start_offset = no_offset;
  };
  using aborted_transactions = std::vector<wire::protocol::fetch_response::aborted_transaction>;

  /// `records` is a slice of the answer. `aborted` as the broker listed it.
  fetched_partition(std::shared_ptr<const topic_partition> of, shared_bytes records, offset from, bounds at,
                    aborted_transactions aborted, isolation level, bool check_crcs);

  /// Opens the next batches into a body, as many as come to about `enough` bytes decompressed. Of a part that can't be
  /// read to its end the body holds what comes before; `wrong` then says what is wrong, with the place, and that was
  /// the last one.
  [[nodiscard]] body_ptr open(body_pool& bodies, decode_context& with, std::optional<error>& wrong,
                              std::size_t enough = SIZE_MAX);
  /// Whether all has been opened.
  [[nodiscard]] bool is_done() const { return is_done_; }

 private:
  result<void> open_batch(const wire::batch_view& batch, record_batch::body& into, decode_context& with);
  result<void> open_legacy(const wire::batch_view& batch, record_batch::body& into, decode_context& with);
  [[nodiscard]] bool is_aborted(const wire::batch_view& batch);

  std::shared_ptr<const topic_partition> of_;
  shared_bytes records_;
  /// Of `records_`, what hasn't been opened.
  bytes_view rest_;
  bool is_done_ = false;
  offset position_;
  bounds bounds_;
  aborted_transactions aborted_;
  std::size_t next_aborted_ = 0;
  std::set<producer_id> aborting_;
  isolation level_;
  bool check_crcs_;
};

/// What the headers of whole batches say.
struct batches_summary {
  /// Behind the last whole batch; where one looked from if there is none.
  offset end;
  leader_epoch last_epoch = no_leader_epoch;
  bool is_compressed = false;
};
[[nodiscard]] batches_summary summarize(bytes_view records, offset from);

}  // namespace moldau::client
