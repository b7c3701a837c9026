#pragma once

#include <cstdint>
#include <optional>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "raft/snapshot.hpp"
#include "raft/voters.hpp"

namespace moldau::raft {

/// What the control records of a snapshot and of the log after it say: kraft.version and the voters.
///
/// Fed with everything on disk before `quorum` starts, and by `quorum` itself with what it appends. A value.
struct control_state {
  std::int16_t kraft_version = 0;
  /// None while no VotersRecord was seen: then the configured voters (`controller.quorum.voters`) count.
  std::optional<voter_set> voters;
  /// Where the VotersRecord stands; -1 when it came from the bootstrap snapshot 0-0, so that the first leader must
  /// write it into the log.
  offset voters_offset = no_offset;

  /// Takes over a snapshot's control records.
  void observe(const snapshot_contents& snapshot);
  /// Takes over a control batch of the log; a data batch changes nothing. Errors: `malformed`, `unsupported_version`.
  [[nodiscard]] result<void> observe_batch(bytes_view batch);
};

}  // namespace moldau::raft
