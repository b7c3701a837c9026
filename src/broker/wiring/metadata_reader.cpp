#include "broker/wiring/metadata_reader.hpp"

namespace moldau::broker {

raft::fetch_direction direct(metadata_service& in, const raft::fetch_position& from) {
  storage::log& log = in.log();
  raft::fetched_log known{
      .start = log.log_start(),
      .last_fetched = {},
      .end = {.end = log.log_end(), .epoch = log.latest_epoch().value_or(leader_epoch(0))},
      .oldest_snapshot = {},
      .newest_snapshot = {},
  };
  const storage::epoch_end end = log.end_offset_for_epoch(from.last_fetched_epoch);
  if (end.epoch != no_leader_epoch) known.last_fetched = {.end = end.end_offset, .epoch = end.epoch};
  if (!in.snapshots().empty()) {
    known.oldest_snapshot = *in.snapshots().begin();
    known.newest_snapshot = *in.snapshots().rbegin();
  }
  return raft::direct(from, known);
}

}  // namespace moldau::broker
