#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "moldau/core/errc.hpp"
#include "moldau/core/result.hpp"
#include "rt/world.hpp"

namespace moldau::client {

/// What a member of a classic group does next: its state machine, without I/O, clock or threads, for a group of any
/// protocol type. Whoever drives it asks `next` and `heartbeat_due`, does that, and tells the outcome by the matching
/// `on_…`.
///
///     unjoined --prepare--> prepared --join--> joining --> syncing --> stable --(rebalance, lost)--> unjoined
///
/// Heartbeats go on beside the steps while the group knows this member, except while a join waits for the others.
class group_membership {
 public:
  enum class state : std::uint8_t { unjoined, preparing, prepared, joining, syncing, stable, left };
  enum class step : std::uint8_t {
    nothing,  ///< Until `wake_at`, or news.
    prepare,  ///< Give up what must be given up before joining; `lost()` says whether it is gone already.
    join,     ///< Send JoinGroup with `member_id()`; once it is answered, SyncGroup.
    leave,    ///< Whoever uses the group hasn't shown itself for `poll_interval_max`: send LeaveGroup.
  };
  struct options {
    rt::duration heartbeat_interval{};
    rt::duration session_timeout{};
    rt::duration poll_interval_max{};
    rt::duration retry_backoff{};
  };
  /// A heartbeat's or commit's answer counts only while the member is still who it was when it asked.
  struct identity {
    std::string member_id;
    std::int32_t generation = -1;
    friend bool operator==(const identity&, const identity&) = default;
  };

  explicit group_membership(options chosen) : options_(chosen) {}

  [[nodiscard]] step next(rt::time_point now) const;
  [[nodiscard]] bool heartbeat_due(rt::time_point now) const;
  /// When `next` or `heartbeat_due` may change by themselves.
  [[nodiscard]] rt::time_point wake_at(rt::time_point now) const;

  void on_preparing() { state_ = state::preparing; }
  void on_prepared();
  void on_join_sent();
  void on_heartbeat_sent(rt::time_point now);

  // Outcomes. What can't be tried again comes back as an error: the member fails with it.
  result<void> on_join(errc code, std::string member_id, std::int32_t generation, bool is_leader, rt::time_point now);
  result<void> on_sync(errc code, rt::time_point now);
  result<void> on_heartbeat(errc code, const identity& of, rt::time_point now);
  /// A commit was refused: the group may have gone on without us.
  void on_commit_refused(errc code, const identity& of);
  /// The coordinator couldn't be reached while joining or by a heartbeat.
  void on_unreachable(rt::time_point now);
  /// Whoever uses the group has shown itself.
  void on_poll(rt::time_point now);
  /// The subscription, or the partitions of a topic, changed: the group has to divide them anew.
  void rejoin(std::string reason);
  void on_left();

  [[nodiscard]] state current() const { return state_; }
  [[nodiscard]] bool is_stable() const { return state_ == state::stable; }
  /// Whether a round of the group is under way or due.
  [[nodiscard]] bool is_rebalancing() const { return state_ != state::stable && state_ != state::left; }
  [[nodiscard]] bool is_leader() const { return leader_; }
  [[nodiscard]] const identity& who() const { return who_; }
  [[nodiscard]] const std::string& member_id() const { return who_.member_id; }
  [[nodiscard]] std::int32_t generation() const { return who_.generation; }
  /// Whether what this member held may belong to others by now, so that it is lost rather than given up.
  [[nodiscard]] bool lost() const { return lost_; }
  /// Why the group is joined anew; the broker logs it (KIP-800).
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  /// The group goes on without us. A member that is unknown gets a new id, one of an old generation keeps it.
  void lose(bool forget_id, std::string reason);
  /// A retriable code leads to another attempt, any other to an error.
  result<void> again_or_fail(errc code, rt::time_point now, std::string_view what);
  [[nodiscard]] bool group_knows_us() const { return who_.generation >= 0 && !who_.member_id.empty(); }

  options options_;
  state state_ = state::unjoined;
  bool leader_ = false;
  bool lost_ = false;
  bool heartbeat_waits_ = false;
  /// What came while a round was under way that it doesn't know yet.
  bool rejoin_after_ = false;
  identity who_;
  std::string reason_;
  rt::time_point next_heartbeat_{};
  rt::time_point last_answer_{};
  rt::time_point last_poll_{};
  rt::time_point not_before_{};
};

/// "stable", say, as statistics show it.
[[nodiscard]] std::string_view name(group_membership::state of);

}  // namespace moldau::client
