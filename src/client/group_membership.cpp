#include "client/group_membership.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::client {

group_membership::step group_membership::next(rt::time_point now) const {
  switch (state_) {
    case state::unjoined:
      if (group_knows_us() && now - last_poll_ >= options_.poll_interval_max) return step::leave;
      return now >= not_before_ ? step::prepare : step::nothing;
    case state::preparing:
      return group_knows_us() && now - last_poll_ >= options_.poll_interval_max ? step::leave : step::nothing;
    case state::prepared:
      return now >= not_before_ ? step::join : step::nothing;
    case state::joining:
    case state::syncing:
    case state::left:
      return step::nothing;
    case state::stable:
      return now - last_poll_ >= options_.poll_interval_max ? step::leave : step::nothing;
  }
  return step::nothing;
}

bool group_membership::heartbeat_due(rt::time_point now) const {
  if (heartbeat_waits_ || !group_knows_us() || state_ == state::joining || state_ == state::left) return false;
  return now >= next_heartbeat_;
}

rt::time_point group_membership::wake_at(rt::time_point now) const {
  if (state_ == state::left) return now + options_.session_timeout;
  rt::time_point at = now + options_.session_timeout;
  if (not_before_ > now) at = std::min(at, not_before_);
  if (group_knows_us() && state_ != state::joining) {
    if (!heartbeat_waits_) at = std::min(at, next_heartbeat_);
    at = std::min(at, last_poll_ + options_.poll_interval_max);
  }
  return std::max(at, now);
}

void group_membership::on_prepared() {
  if (state_ != state::preparing) return;
  state_ = state::prepared;
  // What was lost has been given up by now.
  lost_ = false;
}

void group_membership::on_join_sent() {
  state_ = state::joining;
  rejoin_after_ = false;
}

void group_membership::on_heartbeat_sent(rt::time_point now) {
  heartbeat_waits_ = true;
  next_heartbeat_ = now + options_.heartbeat_interval;
}

void group_membership::lose(bool forget_id, std::string reason) {
  lost_ = true;
  leader_ = false;
  who_.generation = -1;
  if (forget_id) who_.member_id.clear();
  reason_ = std::move(reason);
  // One that is preparing to join, or has prepared, has to look again at what it holds.
  if (state_ != state::left) state_ = state::unjoined;
}

result<void> group_membership::again_or_fail(errc code, rt::time_point now, std::string_view what) {
  if (is_retriable(code)) {
    not_before_ = now + options_.retry_backoff;
    return {};
  }
  return fail(code, fmt::format("{}: {}", what, name(code)));
}

result<void> group_membership::on_join(errc code, std::string member_id, std::int32_t generation, bool is_leader,
                                       rt::time_point now) {
  if (state_ != state::joining) return {};
  last_answer_ = now;
  next_heartbeat_ = now + options_.heartbeat_interval;
  switch (code) {
    case errc::none:
      who_ = {std::move(member_id), generation};
      leader_ = is_leader;
      state_ = state::syncing;
      return {};
    case errc::member_id_required:
      // KIP-394: the broker gave us our id; now we join under it.
      who_ = {std::move(member_id), -1};
      state_ = state::prepared;
      return {};
    case errc::unknown_member_id:
    case errc::illegal_generation:
      lose(code == errc::unknown_member_id, "the group had forgotten this member");
      return {};
    case errc::rebalance_in_progress:
      state_ = state::prepared;
      not_before_ = now + options_.retry_backoff;
      return {};
    default:
      state_ = state::prepared;
      return again_or_fail(code, now, "the group didn't take this member in");
  }
}

result<void> group_membership::on_sync(errc code, rt::time_point now) {
  if (state_ != state::syncing) return {};
  last_answer_ = now;
  switch (code) {
    case errc::none:
      state_ = state::stable;
      next_heartbeat_ = now + options_.heartbeat_interval;
      reason_.clear();
      if (std::exchange(rejoin_after_, false)) state_ = state::unjoined;
      return {};
    case errc::rebalance_in_progress:
      reason_ = "the group began a new round before this one was over";
      state_ = state::prepared;
      return {};
    case errc::unknown_member_id:
    case errc::illegal_generation:
      lose(code == errc::unknown_member_id, "the group went on without this member");
      return {};
    default:
      state_ = state::prepared;
      return again_or_fail(code, now, "the group didn't give this member its part");
  }
}

result<void> group_membership::on_heartbeat(errc code, const identity& of, rt::time_point now) {
  heartbeat_waits_ = false;
  if (of != who_) return {};
  switch (code) {
    case errc::none:
      last_answer_ = now;
      return {};
    case errc::rebalance_in_progress:
      last_answer_ = now;
      if (state_ == state::stable) {
        reason_ = "the group is being rebalanced";
        state_ = state::unjoined;
      }
      return {};
    case errc::unknown_member_id:
    case errc::illegal_generation:
      lose(code == errc::unknown_member_id, "the group went on without this member");
      return {};
    default:
      if (is_retriable(code)) return {};
      lose(true, "the group put this member out");
      return fail(code, fmt::format("the group doesn't know this member any more: {}", name(code)));
  }
}

void group_membership::on_commit_refused(errc code, const identity& of) {
  if (of != who_) return;
  if (code == errc::unknown_member_id || code == errc::illegal_generation) {
    lose(code == errc::unknown_member_id, "a commit came too late");
  }
  if (code == errc::rebalance_in_progress) rejoin("the group is being rebalanced");
}

void group_membership::on_unreachable(rt::time_point now) {
  heartbeat_waits_ = false;
  not_before_ = now + options_.retry_backoff;
  if (state_ == state::joining || state_ == state::syncing) state_ = state::prepared;
  if (group_knows_us() && now - last_answer_ > options_.session_timeout) {
    // Nobody has heard of us for so long that others have our part by now.
    lose(false, "the coordinator couldn't be reached for a session's time");
  }
}

void group_membership::on_poll(rt::time_point now) {
  last_poll_ = now;
  if (state_ == state::left) state_ = state::unjoined;
}

void group_membership::rejoin(std::string reason) {
  if (state_ == state::joining || state_ == state::syncing) {
    rejoin_after_ = true;
  } else if (state_ == state::stable) {
    state_ = state::unjoined;
  }
  reason_ = std::move(reason);
}

void group_membership::on_left() {
  lose(true, "it left");
  state_ = state::left;
}

std::string_view name(group_membership::state of) {
  using state = group_membership::state;
  switch (of) {
    case state::unjoined:
      return "unjoined";
    case state::preparing:
      return "preparing";
    case state::prepared:
      return "prepared";
    case state::joining:
      return "joining";
    case state::syncing:
      return "syncing";
    case state::stable:
      return "stable";
    case state::left:
      return "left";
  }
  return "unknown";
}

}  // namespace moldau::client
