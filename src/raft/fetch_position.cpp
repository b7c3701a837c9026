#include "raft/fetch_position.hpp"

namespace moldau::raft {

fetch_direction direct(const fetch_position& from, const fetched_log& log) {
  // For one who has nothing, a snapshot is the shorter way. The bootstrap snapshot isn't one: what it holds is written
  // into the log by the first leader.
  if (from.offset == offset(0) && log.newest_snapshot && *log.newest_snapshot != bootstrap_snapshot_id) {
    return {.diverging = {}, .snapshot = log.newest_snapshot};
  }
  if (from.offset == offset(0) && log.start == offset(0)) return {};
  if (const auto& oldest = log.oldest_snapshot;
      oldest && (from.offset < log.start || (from.offset == log.start && from.last_fetched_epoch != oldest->epoch) ||
                 from.last_fetched_epoch < oldest->epoch)) {
    return {.diverging = {}, .snapshot = log.newest_snapshot};
  }
  log_end known = log.last_fetched.value_or(log.end);
  // Below the oldest epoch of the log there is the snapshot's.
  if (log.last_fetched && log.oldest_snapshot && known.end == log.oldest_snapshot->end_offset &&
      known.epoch == from.last_fetched_epoch) {
    known.epoch = log.oldest_snapshot->epoch;
  }
  if (known.epoch != from.last_fetched_epoch || known.end < from.offset) return {.diverging = known, .snapshot = {}};
  return {};
}

}  // namespace moldau::raft
