#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "moldau/core/errc.hpp"
#include "moldau/core/result.hpp"
#include "rt/world.hpp"

namespace moldau::client {

/// What a member of a classic group does next: its state machine, without I/O, clock or threads. Whoever drives it asks
/// `next`, does that, and tells the outcome by the matching `on_…`.
///
///     unjoined --join--> joining --sync--> syncing --> stable --(rebalance, lost)--> unjoined
class group_member {
 public:
  enum class state : std::uint8_t { unjoined, joining, syncing, stable, left };
  enum class step : std::uint8_t {
    nothing,    ///< Until `wake_at`, or news.
    join,       ///< Send JoinGroup with `member_id()`.
    sync,       ///< Send SyncGroup (the leader: with the assignment).
    heartbeat,  ///< Send Heartbeat.
    leave,      ///< The poll interval has passed: send LeaveGroup.
  };
  struct options {
    rt::duration heartbeat_interval{};
    rt::duration session_timeout{};
    rt::duration max_poll_interval{};
  };

  explicit group_member(options chosen) : options_(chosen) {}

  [[nodiscard]] step next(rt::time_point now) const;
  /// When `next` may change by itself.
  [[nodiscard]] rt::time_point wake_at(rt::time_point now) const;

  // Outcomes. What can't be tried again comes back as an error: the consumer fails with it.
  void sent(step what, rt::time_point now);
  result<void> on_join(errc code, std::string member_id, std::int32_t generation, bool is_leader, rt::time_point now);
  result<void> on_sync(errc code, rt::time_point now);
  result<void> on_heartbeat(errc code, rt::time_point now);
  /// A commit was refused: the group may have gone on without us.
  void on_commit_refused(errc code);
  /// The coordinator couldn't be reached; `again` is when to ask once more.
  void on_unreachable(rt::time_point now, rt::time_point again);
  /// The application polled.
  void polled(rt::time_point now);
  /// The subscription, or the partitions of a topic, changed: the group has to divide them anew.
  void rejoin();
  void on_left();

  [[nodiscard]] state current() const { return state_; }
  [[nodiscard]] bool is_stable() const { return state_ == state::stable; }
  [[nodiscard]] bool is_leader() const { return leader_; }
  [[nodiscard]] const std::string& member_id() const { return member_id_; }
  [[nodiscard]] std::int32_t generation() const { return generation_; }
  /// Whether partitions that were held may belong to others by now, so that they are lost rather than revoked.
  [[nodiscard]] bool lost() const { return lost_; }

 private:
  void lose_membership(bool forget_id);

  options options_;
  state state_ = state::unjoined;
  bool waiting_ = false;
  bool leader_ = false;
  bool lost_ = false;
  std::string member_id_;
  std::int32_t generation_ = -1;
  rt::time_point next_heartbeat_{};
  rt::time_point last_answer_{};
  rt::time_point last_poll_{};
  rt::time_point not_before_{};
};

}  // namespace moldau::client
