#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "moldau/core/result.hpp"
#include "rt/file.hpp"
#include "storage/log_options.hpp"
#include "storage/offset_map.hpp"
#include "storage/segment.hpp"
#include "storage/txn_index.hpp"
#include "wire/batch_builder.hpp"
#include "wire/compression.hpp"
#include "wire/record_batch.hpp"

namespace moldau::storage {

/// Which transactions are open or aborted at the place that compaction has come to.
class compaction_transactions {
 public:
  /// `aborted` by marker, of all that is walked. Those that are kept are added to `kept`, if given.
  compaction_transactions(std::vector<aborted_entry> aborted, std::vector<aborted_entry>* kept);

  /// Whether the batch's records are of an aborted transaction. Called for every data batch in order.
  bool is_aborted(const wire::batch_view& batch);
  /// Whether the marker ends a transaction of which nothing is left. Called for every control batch in order.
  bool ends_empty(const wire::batch_view& batch);

 private:
  struct open_abort {
    aborted_entry entry;
    bool seen = false;
  };
  void begin_up_to(offset at);

  std::vector<aborted_entry> aborted_;
  std::size_t next_ = 0;
  std::vector<aborted_entry>* kept_;
  std::unordered_map<producer_id, open_abort> open_;
  std::set<producer_id> committed_;
};

/// What compaction of one log needs to know; copied from the log, used on a worker.
struct compaction_plan {
  /// From the first segment to the last that may be cleaned.
  std::vector<std::shared_ptr<segment>> segments;
  offset first_dirty;
  /// Segments from here on stay as they are.
  offset end;
  log_options options;
  std::int64_t now_ms = 0;
  std::unordered_map<producer_id, offset> last_of_producer;
  std::vector<aborted_entry> aborted;
  /// Once true, what runs ends with `errc::closed` at the next batch. Null: it never ends early.
  const std::atomic<bool>* ended = nullptr;

  [[nodiscard]] result<void> go_on() const {
    if (ended == nullptr || !ended->load(std::memory_order_relaxed)) return {};
    return fail(errc::closed, "compaction was ended");
  }
};

/// Reads the dirty part and notes each key's last offset. Returns where it stopped: `plan.end`, or a segment's start
/// once the map is full. Blocks.
[[nodiscard]] result<offset> fill_offset_map(rt::file_system& files, const compaction_plan& plan, offset_map& map);

/// A run of segments that become one.
using segment_group = std::vector<std::shared_ptr<segment>>;
/// Groups neighbours below `end` as far as together they are no larger than a segment may be.
[[nodiscard]] std::vector<segment_group> group_segments(const compaction_plan& plan, offset end);

/// Carries the transactions and the codecs from one group to the next.
struct compaction_state {
  explicit compaction_state(const compaction_plan& plan) : transactions(plan.aborted, &kept_aborted) {}
  std::vector<aborted_entry> kept_aborted;
  compaction_transactions transactions;
  wire::codec_context codecs;
  wire::batch_builder builder;
};

/// Writes what is to stay of a group to `.cleaned` files, synced and open. Empty groups give an empty segment.
/// `mapped_end` is where the map ends. Blocks.
[[nodiscard]] result<std::shared_ptr<segment>> clean_group(rt::file_system& files, const compaction_plan& plan,
                                                           const segment_group& group, const offset_map& map,
                                                           offset mapped_end, compaction_state& state);

/// Puts the cleaned segment's files in the place of its group's: `.cleaned` to `.swap`, the old ones to `.deleted`
/// (returned), `.swap` to their names. A crash in between is finished or undone at the next start. Blocks.
[[nodiscard]] result<std::vector<std::string>> swap_in(rt::file_system& files, const segment& cleaned,
                                                       const segment_group& group);

}  // namespace moldau::storage
