#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/testing/fake_broker.hpp"
#include "wire/compression.hpp"

namespace moldau::testing::fake {

/// What an append came to.
struct appended {
  errc code = errc::none;
  offset base = no_offset;
};

/// One partition's records, as batches in memory, with what is known of its producers and leaders. All of it counts as
/// replicated at once.
class partition_log {
 public:
  /// Takes a producer's batch: length, CRC, count and sequence are checked, offsets and epoch written into a copy.
  /// What was appended already (KIP-98: one of its producer's last five batches) is answered as then.
  [[nodiscard]] appended append(bytes_view records, std::size_t batch_bytes_max);
  /// A record of a test.
  [[nodiscard]] result<offset> append(const fake_record& record, std::int64_t now_ms);

  /// Ends a producer's transaction with a marker. Errors: `invalid_txn_state` if none is open.
  [[nodiscard]] result<void> end_transaction(producer_id of, bool commit, std::int64_t now_ms);

  /// Whole batches from the one that holds `from` on and below `before`, `bytes_max` of them but at least one where
  /// `at_least_one`.
  [[nodiscard]] std::vector<std::byte> read(offset from, offset before, std::size_t bytes_max, bool at_least_one) const;
  struct aborted_transaction {
    producer_id of;
    offset first;
    /// The marker's.
    offset last;
  };
  /// Those with something at `from` or behind it and below `before`.
  [[nodiscard]] std::vector<aborted_transaction> aborted(offset from, offset before) const;
  [[nodiscard]] std::vector<fake_record> records() const;

  [[nodiscard]] offset start() const { return start_; }
  [[nodiscard]] offset end() const { return end_; }
  /// Where the first open transaction begins; the end without one.
  [[nodiscard]] offset last_stable() const;
  /// Of all batches.
  [[nodiscard]] std::int64_t size_bytes() const;
  [[nodiscard]] leader_epoch epoch() const { return epoch_; }
  void next_epoch() { epoch_ = epoch_ + 1; }

  void delete_before(offset before);
  void truncate(offset to);

  struct found {
    offset at = no_offset;
    std::int64_t timestamp_ms = -1;
    leader_epoch epoch = no_leader_epoch;
  };
  /// The first record at that time or later; nothing found: -1.
  [[nodiscard]] found at_time(std::int64_t timestamp_ms) const;
  [[nodiscard]] found max_timestamp() const;
  /// The last epoch up to `epoch` and where it ended (KIP-320).
  [[nodiscard]] std::pair<leader_epoch, offset> end_of(leader_epoch epoch) const;

 private:
  struct batch {
    shared_bytes bytes;
    offset base;
    offset last;
    leader_epoch epoch;
  };
  struct appended_batch {
    std::int32_t first_sequence = 0;
    std::int32_t last_sequence = 0;
    offset base;
  };
  struct producer {
    producer_epoch epoch = no_producer_epoch;
    std::deque<appended_batch> last;
  };

  void add(shared_bytes bytes);
  template <typename Visit>
  void each_record(Visit visit) const;

  std::deque<batch> batches_;
  std::map<producer_id, producer> producers_;
  /// Where each producer's open transaction begins.
  std::map<producer_id, offset> open_;
  std::vector<aborted_transaction> aborted_;
  /// Where each leader's records begin.
  std::map<leader_epoch, offset> epochs_;
  offset start_{0};
  offset end_{0};
  leader_epoch epoch_{0};
};

}  // namespace moldau::testing::fake
