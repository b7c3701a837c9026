#include "client/group_member.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::client {

group_member::step group_member::next(rt::time_point now) const {
  if (waiting_ || state_ == state::left || now < not_before_) return step::nothing;
  switch (state_) {
    case state::unjoined:
      return step::join;
    case state::joining:
      return step::nothing;
    case state::syncing:
      return step::sync;
    case state::stable:
      if (now - last_poll_ >= options_.max_poll_interval) return step::leave;
      return now >= next_heartbeat_ ? step::heartbeat : step::nothing;
    case state::left:
      break;
  }
  return step::nothing;
}

rt::time_point group_member::wake_at(rt::time_point now) const {
  if (state_ == state::stable) {
    return std::max(not_before_, std::min(next_heartbeat_, last_poll_ + options_.max_poll_interval));
  }
  return std::max(not_before_, now + options_.heartbeat_interval);
}

void group_member::sent(step what, rt::time_point now) {
  waiting_ = true;
  if (what == step::join) state_ = state::joining;
  if (what == step::heartbeat) next_heartbeat_ = now + options_.heartbeat_interval;
}

void group_member::lose_membership(bool forget_id) {
  state_ = state::unjoined;
  leader_ = false;
  if (!forget_id) return;
  lost_ = true;
  generation_ = -1;
  member_id_.clear();
}

result<void> group_member::on_join(errc code, std::string member_id, std::int32_t generation, bool is_leader,
                                   rt::time_point now) {
  waiting_ = false;
  last_answer_ = now;
  switch (code) {
    case errc::none:
      member_id_ = std::move(member_id);
      generation_ = generation;
      leader_ = is_leader;
      state_ = state::syncing;
      return {};
    case errc::member_id_required:
      // KIP-394: the broker gave us our id; now we join under it.
      member_id_ = std::move(member_id);
      state_ = state::unjoined;
      return {};
    case errc::unknown_member_id:
    case errc::illegal_generation:
      lose_membership(true);
      return {};
    case errc::rebalance_in_progress:
      state_ = state::unjoined;
      return {};
    default:
      state_ = state::unjoined;
      if (is_retriable(code)) {
        not_before_ = now + std::chrono::milliseconds(100);
        return {};
      }
      return fail(code, fmt::format("the group didn't take this consumer in: {}", name(code)));
  }
}

result<void> group_member::on_sync(errc code, rt::time_point now) {
  waiting_ = false;
  last_answer_ = now;
  switch (code) {
    case errc::none:
      state_ = state::stable;
      lost_ = false;
      last_poll_ = now;
      next_heartbeat_ = now + options_.heartbeat_interval;
      return {};
    case errc::rebalance_in_progress:
      state_ = state::unjoined;
      return {};
    case errc::unknown_member_id:
    case errc::illegal_generation:
      lose_membership(true);
      return {};
    default:
      state_ = state::unjoined;
      if (is_retriable(code)) {
        not_before_ = now + std::chrono::milliseconds(100);
        return {};
      }
      return fail(code, fmt::format("the group didn't give this consumer its partitions: {}", name(code)));
  }
}

result<void> group_member::on_heartbeat(errc code, rt::time_point now) {
  waiting_ = false;
  switch (code) {
    case errc::none:
      last_answer_ = now;
      return {};
    case errc::rebalance_in_progress:
      last_answer_ = now;
      state_ = state::unjoined;
      return {};
    case errc::unknown_member_id:
    case errc::illegal_generation:
      lose_membership(true);
      return {};
    default:
      if (is_retriable(code)) return {};
      lose_membership(true);
      return fail(code, fmt::format("the group doesn't know this consumer any more: {}", name(code)));
  }
}

void group_member::on_commit_refused(errc code) {
  if (code == errc::unknown_member_id || code == errc::illegal_generation) lose_membership(true);
  if (code == errc::rebalance_in_progress && state_ == state::stable) state_ = state::unjoined;
}

void group_member::on_unreachable(rt::time_point now, rt::time_point again) {
  waiting_ = false;
  not_before_ = again;
  if (state_ == state::joining || state_ == state::syncing) state_ = state::unjoined;
  if (state_ == state::stable && now - last_answer_ > options_.session_timeout) {
    // Nobody has heard of us for so long that others have our partitions by now.
    lose_membership(true);
  }
}

void group_member::polled(rt::time_point now) {
  last_poll_ = now;
  if (state_ == state::left) state_ = state::unjoined;
}

void group_member::rejoin() {
  if (state_ == state::stable) state_ = state::unjoined;
}

void group_member::on_left() {
  waiting_ = false;
  lose_membership(true);
  state_ = state::left;
}

}  // namespace moldau::client
