#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "wire/record_batch.hpp"

namespace moldau::storage {

/// Who appends: how much of the producer's state is checked.
enum class append_origin : std::uint8_t {
  client,       ///< Epoch and sequence.
  coordinator,  ///< The epoch only: coordinators have no sequences.
  replication,  ///< Nothing: the leader has checked.
  raft,         ///< Nothing, and there is no producer.
};

/// What DescribeProducers tells of one.
struct producer_description {
  moldau::producer_id producer_id;
  moldau::producer_epoch producer_epoch;
  std::int32_t last_sequence = -1;
  std::int64_t last_timestamp_ms = -1;
  std::int32_t coordinator_epoch = -1;
  /// -1: no transaction is open.
  offset current_txn_start_offset = no_offset;
};

/// A transaction's end, as its marker tells it.
struct completed_transaction {
  moldau::producer_id producer_id;
  offset first_offset;
  /// The marker's own offset.
  offset last_offset;
  bool aborted = false;
};

/// The producers that have written to one partition: their epochs, last sequence numbers and open transactions.
/// Not thread safe: it lives where its log does.
class producer_state {
 public:
  /// How many batches back a duplicate is known.
  static constexpr std::size_t batches_kept = 5;

  struct batch_metadata {
    std::int32_t last_sequence = -1;
    offset last_offset = no_offset;
    std::int32_t offset_delta = 0;
    std::int64_t timestamp_ms = -1;

    [[nodiscard]] std::int32_t first_sequence() const;
    [[nodiscard]] offset first_offset() const { return last_offset - offset_delta; }
  };

  struct producer {
    moldau::producer_epoch epoch = no_producer_epoch;
    std::int32_t coordinator_epoch = -1;
    std::int64_t last_timestamp_ms = -1;
    offset current_txn_first_offset = no_offset;
    /// Oldest first; `batch_count` of them hold something.
    std::array<batch_metadata, batches_kept> batches{};
    std::uint8_t batch_count = 0;

    [[nodiscard]] std::int32_t last_sequence() const {
      return batch_count == 0 ? -1 : batches[batch_count - 1U].last_sequence;
    }
    [[nodiscard]] offset last_offset() const {
      return batch_count == 0 ? no_offset : batches[batch_count - 1U].last_offset;
    }
    /// Whether it has written nothing for that long. The time is its own, so it can be any.
    [[nodiscard]] bool is_silent(std::int64_t now_ms, std::int64_t expiration_ms) const {
      return last_timestamp_ms <= now_ms - expiration_ms;
    }
  };

  /// The batch that this one repeats, or nothing. Same epoch, same first and last sequence number.
  [[nodiscard]] const batch_metadata* duplicate_of(const wire::batch_view& batch) const;

  /// Whether the batch, to be appended at `base`, may be. Changes nothing.
  /// Errors: `invalid_producer_epoch`, `out_of_order_sequence_number`, `invalid_txn_state`,
  /// `transaction_coordinator_fenced`, `corrupt_message` (a control batch that can't be read).
  [[nodiscard]] result<void> check(const wire::batch_view& batch, offset base, append_origin origin) const;

  /// Takes the batch in, with its offsets as they stand in it, unchecked. Returns the transaction that it ends.
  std::optional<completed_transaction> update(const wire::batch_view& batch);

  /// A snapshot holds the last batch of each producer only. Whether there is one that wrote since `since_ms` and of
  /// which older batches could be known; and takes those in from a state that has seen the batches before.
  [[nodiscard]] bool lacks_batches(std::int64_t since_ms) const;
  void recall(const producer_state& earlier);

  /// The transaction's end is known to all: it no longer holds the last stable offset back.
  void forget_completed_below(offset high_watermark);
  /// The first offset of the oldest transaction that is open, or completed above the high watermark.
  [[nodiscard]] std::optional<offset> first_unstable_offset() const;
  /// The last stable offset that holds once `done` is completed: what the transaction index records.
  [[nodiscard]] offset last_stable_offset_after(const completed_transaction& done) const;

  /// Drops those without an open transaction that have been silent for longer. Returns how many.
  std::size_t expire(std::int64_t now_ms, std::int64_t expiration_ms);
  /// Drops the transactions that ended below the log's new start.
  void on_log_start(offset log_start);
  void clear();

  /// The offset up to which batches are taken in.
  [[nodiscard]] offset map_end() const { return map_end_; }
  void set_map_end(offset end) { map_end_ = end; }

  [[nodiscard]] bool empty() const { return producers_.empty(); }
  [[nodiscard]] std::size_t size() const { return producers_.size(); }
  [[nodiscard]] const producer* find(producer_id id) const;
  [[nodiscard]] std::vector<producer_description> describe() const;
  [[nodiscard]] bool has_open_transactions() const { return !ongoing_.empty(); }
  /// The offset of each producer's last record, which compaction keeps.
  [[nodiscard]] std::unordered_map<producer_id, offset> last_offsets() const;

  /// The bytes of a `.snapshot` file.
  [[nodiscard]] std::vector<std::byte> encode_snapshot() const;
  /// Replaces everything by a snapshot's content. Producers that have been silent too long are left out.
  /// Errors: `errc::malformed`; then nothing has changed.
  [[nodiscard]] result<void> load_snapshot(bytes_view content, offset at, std::int64_t now_ms,
                                           std::int64_t expiration_ms);

 private:
  struct ongoing {
    moldau::producer_id producer_id;
    /// -1 while it is open.
    offset last_offset = no_offset;
  };

  std::unordered_map<producer_id, producer> producers_;
  /// Open transactions by first offset.
  std::map<offset, ongoing> ongoing_;
  /// Completed ones whose marker the high watermark hasn't passed.
  std::map<offset, ongoing> unreplicated_;
  offset map_end_{0};
};

}  // namespace moldau::storage
