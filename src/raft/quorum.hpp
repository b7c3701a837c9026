#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "raft/control_state.hpp"
#include "raft/quorum_state.hpp"
#include "raft/voters.hpp"

namespace moldau::wire {
class arena;
}
namespace moldau::wire::protocol {
struct describe_quorum_request;
struct describe_quorum_response;
}  // namespace moldau::wire::protocol

namespace moldau::raft {

struct quorum_options {
  /// This node, with the id of its metadata log directory (zero if meta.properties has none).
  replica_key self;
  /// This node's advertised controller listeners, in the order of `controller.listener.names`.
  std::vector<endpoint> endpoints;
  /// `controller.quorum.voters`; empty when the voters live in the log (kraft.version 1).
  voter_set static_voters;
};

/// Where the metadata log ends, snapshot included.
struct log_end {
  offset end{0};
  leader_epoch epoch{0};
};

/// What the caller has to do, in this order.
struct quorum_effects {
  /// The new text of `quorum-state`: durable before anything below is done.
  std::optional<std::string> quorum_state;
  /// To append to the metadata log as they are: base offset, epoch and CRC are in them. Report with `log_synced`.
  std::vector<shared_bytes> appends;
  /// The high watermark moved here.
  std::optional<offset> high_watermark;
  /// The batches that it passed, in order, control batches included: to be fed to `metadata::loader`.
  std::vector<shared_bytes> committed;
  /// This node leads from now on, in `epoch()`: activate the controller once everything up to `end_offset()` at this
  /// moment is committed (`high_watermark` tells).
  bool became_leader = false;
};

/// One replica of the KRaft quorum, without clock, disk or network.
///
/// Events go in, effects come out; the caller carries them out in order and on one core. A quorum of one takes the
/// same path as any: it votes for itself, persists that, writes the leader change, and counts a record as committed
/// once its own disk has it. Several voters need the peers' messages (Vote, BeginQuorumEpoch, Fetch) as further
/// events; until they exist, `start` refuses such a quorum.
///
/// A failed write or sync of the log or of `quorum-state` is final: the caller stops the node and calls nothing more.
class quorum {
 public:
  explicit quorum(quorum_options options);

  /// Everything on disk has been read: `persisted` is the quorum-state file (none: a fresh node), `control` what
  /// snapshot and log say. `now_ms` stamps the control batch.
  ///
  /// Errors: `invalid_argument` when this node isn't a voter, `unsupported_version` when it isn't the only one.
  [[nodiscard]] result<quorum_effects> start(const std::optional<quorum_state>& persisted, log_end end,
                                             control_state control, std::int64_t now_ms);

  struct appended {
    /// Of the first and the last record.
    offset first;
    offset last;
    quorum_effects effects;
  };
  /// As the leader: makes batches of `records` (values, already framed) at the log's end. Not atomic: a list past
  /// Kafka's 8 MiB becomes several batches, and the controller puts a transaction around what must stay together.
  ///
  /// Errors: `not_controller` when this node doesn't lead; `record_list_too_large` when one record alone is too large.
  [[nodiscard]] result<appended> append(const std::vector<shared_bytes>& records, std::int64_t now_ms);

  /// The log is synced below `end`.
  [[nodiscard]] quorum_effects log_synced(offset end);

  [[nodiscard]] bool is_leader() const { return leader_ == options_.self.id; }
  /// Who leads, or `no_broker`.
  [[nodiscard]] broker_id leader() const { return leader_; }
  [[nodiscard]] leader_epoch epoch() const { return epoch_; }
  /// Whether this node can answer, as the leader of `asked`, who knows of that epoch: `none`, `fenced_leader_epoch`,
  /// `unknown_leader_epoch`, `not_leader_or_follower`.
  [[nodiscard]] errc check_epoch(leader_epoch asked) const;
  /// One past the last record that was handed out for appending.
  [[nodiscard]] offset end_offset() const { return end_; }
  /// Nothing until the first record of this leader's epoch is committed (as in Kafka).
  [[nodiscard]] std::optional<offset> high_watermark() const { return high_watermark_; }
  [[nodiscard]] std::int16_t kraft_version() const { return control_.kraft_version; }
  /// For the header of snapshots.
  [[nodiscard]] const control_state& control() const { return control_; }
  /// Who votes now: those of the log, or the configured ones.
  [[nodiscard]] const voter_set& voters() const;

  /// Answers DescribeQuorum for every partition asked. Text goes into `arena`.
  [[nodiscard]] wire::protocol::describe_quorum_response describe(
      const wire::protocol::describe_quorum_request& request, std::int64_t now_ms, wire::arena& arena) const;

 private:
  struct pending_batch {
    offset last;
    shared_bytes bytes;
  };

  void become_leader(quorum_effects& out, std::int64_t now_ms);
  void queue(quorum_effects& out, shared_bytes batch, std::int32_t records);

  quorum_options options_;
  control_state control_;
  broker_id leader_ = no_broker;
  leader_epoch epoch_{0};
  offset epoch_start_{0};
  offset end_{0};
  std::optional<offset> high_watermark_;
  /// Handed out, not yet committed.
  std::deque<pending_batch> pending_;
};

}  // namespace moldau::raft
