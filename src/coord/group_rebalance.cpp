#include <algorithm>
#include <utility>

#include "coord/group_coordinator.hpp"

namespace moldau::coord {
namespace {

using wire::protocol::heartbeat_request;
using wire::protocol::sync_group_request;

/// Whether a request names another protocol than the group has.
bool contradicts(const std::optional<std::string_view>& asked, const std::optional<std::string>& held) {
  return asked && held && *asked != *held;
}

}  // namespace

void group_coordinator::reset_session(const classic_group& group, const classic_member& member) {
  start_timer(timer_kind::session, group.id(), member.id, member.session_timeout_ms);
}

void group_coordinator::stop_sync_timer(classic_group& group) {
  group.pending_sync().clear();
  timers_.cancel({timer_kind::sync, group.id(), {}});
}

void group_coordinator::rebalance_or_complete(classic_group& group, std::string_view reason) {
  if (group.can_rebalance()) {
    prepare_rebalance(group, reason);
  } else {
    complete_join_if_all_joined(group);
  }
}

void group_coordinator::prepare_rebalance(classic_group& group, std::string_view reason) {
  if (group.is(classic_state::completing_rebalance)) {
    // Who waits for an assignment of this generation must join again.
    for (auto& [id, member] : group.members()) member.assignment = {};
    propagate_assignment(group, errc::rebalance_in_progress);
  }
  stop_sync_timer(group);
  const bool initial = group.is(classic_state::empty);
  log_.debug("group {} rebalances after generation {}: {}", group.id(), group.generation(), reason);
  group.move_to(classic_state::preparing_rebalance, now_.wall_ms);
  if (initial) {
    // The first members of a group come together: it waits for the others (group.initial.rebalance.delay.ms).
    group.member_came = false;
    group.initial_delay_ms = std::max(options_.initial_rebalance_delay_ms, 0);
    group.initial_remaining_ms = std::max(group.rebalance_timeout_ms() - group.initial_delay_ms, 0);
    if (group.initial_delay_ms == 0) {
      complete_join(group);
    } else {
      start_timer(timer_kind::join, group.id(), {}, group.initial_delay_ms);
    }
  } else if (group.all_joined()) {
    complete_join(group);
  } else {
    start_timer(timer_kind::join, group.id(), {}, group.rebalance_timeout_ms());
  }
}

void group_coordinator::continue_initial_delay(classic_group& group) {
  if (group.previous_state() != classic_state::empty || !group.member_came || group.initial_remaining_ms == 0) {
    complete_join(group);
    return;
  }
  group.member_came = false;
  const std::int32_t waited = group.initial_delay_ms;
  group.initial_delay_ms = std::min(options_.initial_rebalance_delay_ms, group.initial_remaining_ms);
  group.initial_remaining_ms = std::max(group.initial_remaining_ms - waited, 0);
  start_timer(timer_kind::join, group.id(), {}, group.initial_delay_ms);
}

void group_coordinator::complete_join_if_all_joined(classic_group& group) {
  if (!group.is(classic_state::preparing_rebalance)) return;
  // A first rebalance waits its delay out.
  if (group.previous_state() == classic_state::empty) return;
  if (group.all_joined()) complete_join(group);
}

void group_coordinator::complete_join(classic_group& group) {
  timers_.cancel({timer_kind::join, group.id(), {}});
  // Static members keep their place until their session ends.
  std::vector<std::string> absent;
  for (const auto& [id, member] : group.members()) {
    if (!member.is_awaiting_join() && !member.instance_id) absent.push_back(id);
  }
  for (const std::string& id : absent) {
    log_.info("member {} of group {} hasn't joined again in time", id, group.id());
    timers_.cancel({timer_kind::session, group.id(), id});
    remove_member(group, id);
  }
  if (!group.elect_joined_leader() && !group.members().empty()) {
    // Only static members, and none of them is here: until they come or their sessions end.
    start_timer(timer_kind::join, group.id(), {}, group.rebalance_timeout_ms());
    return;
  }
  group.next_generation(now_.wall_ms);
  if (group.is(classic_state::empty)) {
    log_.info("group {} is empty with generation {}", group.id(), group.generation());
    write_group(group, nullptr, [this, id = group.id()](errc error) {
      // Without it the last generation comes back at the next start, and its sessions end by themselves.
      if (error != errc::none) log_.warn("cannot write group {} to the log: {}", id, moldau::name(error));
    });
    return;
  }
  log_.info("group {} has generation {} with {} members", group.id(), group.generation(), group.members().size());
  for (auto& [id, member] : group.members()) {
    group.pending_sync().insert(id);
    join_result out = current_generation(group, member);
    group.answer_join(member, std::move(out));
    reset_session(group, member);
    member.is_new = false;
  }
  start_timer(timer_kind::sync, group.id(), {}, group.rebalance_timeout_ms());
}

void group_coordinator::remove_member(classic_group& group, std::string_view member) {
  if (classic_member* found = group.find(member)) {
    group.answer_join(*found, {.error = errc::unknown_member_id});
    group.answer_sync(*found, {.error = errc::unknown_member_id});
  }
  group.remove(member);
}

void group_coordinator::expire_session(classic_group& group, const std::string& member) {
  if (group.is_pending(member)) {
    group.remove(member);
    complete_join_if_all_joined(group);
    return;
  }
  const classic_member* found = group.find(member);
  if (found == nullptr || found->waits_for_others()) return;
  log_.info("member {} of group {} has sent no heartbeat in its session timeout", member, group.id());
  remove_member(group, member);
  if (group.is(classic_state::preparing_rebalance)) {
    if (group.all_joined()) complete_join(group);
  } else {
    rebalance_or_complete(group, "a member's session has ended");
  }
}

void group_coordinator::expire_sync(classic_group& group) {
  if (group.pending_sync().empty()) return;
  if (!group.is(classic_state::completing_rebalance) && !group.is(classic_state::stable)) return;
  const auto late = group.pending_sync();
  for (const std::string& id : late) {
    log_.info("member {} of group {} hasn't asked for its assignment in time", id, group.id());
    timers_.cancel({timer_kind::session, group.id(), id});
    remove_member(group, id);
  }
  prepare_rebalance(group, "members haven't asked for their assignment in time");
}

void group_coordinator::sync(const sync_group_request& request, instant now, reply<sync_result> done) {
  const turn here(*this, now);
  const auto refuse = [&](errc why) { done({.error = why}); };
  if (request.group_id.empty()) return refuse(errc::invalid_group_id);
  classic_group* group = classic(request.group_id);
  if (group == nullptr || group->is(classic_state::empty)) return refuse(errc::unknown_member_id);
  if (const errc wrong = group->check_member(request.member_id, request.group_instance_id); wrong != errc::none) {
    return refuse(wrong);
  }
  if (request.generation_id != group->generation()) return refuse(errc::illegal_generation);
  if (contradicts(request.protocol_type, group->protocol_type()) ||
      contradicts(request.protocol_name, group->protocol_name())) {
    return refuse(errc::inconsistent_group_protocol);
  }
  classic_member& member = *group->find(request.member_id);
  if (group->is(classic_state::preparing_rebalance)) return refuse(errc::rebalance_in_progress);
  group->pending_sync().erase(member.id);
  if (group->pending_sync().empty()) timers_.cancel({timer_kind::sync, group->id(), {}});
  if (group->is(classic_state::stable)) {
    return done({.protocol_type = group->protocol_type(),
                 .protocol_name = group->protocol_name(),
                 .assignment = member.assignment});
  }
  group->answer_sync(member, {.error = errc::unknown_member_id});  // one that its client has given up
  member.awaiting_sync = std::move(done);
  if (!group->is_leader(member.id)) return;

  std::map<std::string, shared_bytes> assignment;
  for (const auto& one : request.assignments) {
    assignment.insert_or_assign(std::string(one.member_id), shared_bytes::copy_of(one.assignment));
  }
  write_group(*group, &assignment, [this, id = group->id(), generation = group->generation(), assignment](errc error) {
    assignment_stored(id, generation, assignment, error);
  });
}

void group_coordinator::assignment_stored(const std::string& id, std::int32_t generation,
                                          const std::map<std::string, shared_bytes>& assignment, errc error) {
  classic_group* group = classic(id);
  // Another member may have come while the record was on its way.
  if (group == nullptr || !group->is(classic_state::completing_rebalance) || group->generation() != generation) return;
  for (auto& [name, member] : group->members()) {
    const auto given = assignment.find(name);
    member.assignment = error != errc::none || given == assignment.end() ? shared_bytes() : given->second;
  }
  if (error != errc::none) {
    log_.warn("cannot store the assignment of group {}: {}", id, moldau::name(error));
    propagate_assignment(*group, append_error_to_response(error));
    rebalance_or_complete(*group, "its assignment can't be stored");
    return;
  }
  propagate_assignment(*group, errc::none);
  group->move_to(classic_state::stable, now_.wall_ms);
}

void group_coordinator::propagate_assignment(classic_group& group, errc error) {
  for (auto& [id, member] : group.members()) {
    sync_result out{.error = error, .assignment = member.assignment};
    if (error == errc::none) {
      out.protocol_type = group.protocol_type();
      out.protocol_name = group.protocol_name();
    }
    // A session that ended while its member waited for this was passed over: it begins anew.
    if (group.answer_sync(member, std::move(out))) reset_session(group, member);
  }
}

void group_coordinator::heartbeat(const heartbeat_request& request, instant now, reply<errc> done) {
  const turn here(*this, now);
  if (request.group_id.empty()) return done(errc::invalid_group_id);
  classic_group* group = classic(request.group_id);
  if (group == nullptr) return done(errc::unknown_member_id);
  if (const errc wrong = group->check_member(request.member_id, request.group_instance_id); wrong != errc::none) {
    return done(wrong);
  }
  if (request.generation_id != group->generation()) return done(errc::illegal_generation);
  reset_session(*group, *group->find(request.member_id));
  done(group->is(classic_state::preparing_rebalance) ? errc::rebalance_in_progress : errc::none);
}

void group_coordinator::leave(std::string_view id, std::span<const leaving_member> members, instant now,
                              reply<leave_result> done) {
  const turn here(*this, now);
  leave_result out;
  if (id.empty()) return done({.error = errc::invalid_group_id, .members = {}});
  classic_group* group = classic(id);
  out.members.resize(members.size(), errc::unknown_member_id);
  if (group == nullptr) return done(std::move(out));
  bool left = false;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const leaving_member& one = members[i];
    std::string name(one.id);
    if (name.empty()) {
      // An admin removes a static member by its instance id alone.
      const auto known = one.instance_id ? group->static_member(*one.instance_id) : std::nullopt;
      if (!known) continue;
      name = *known;
    } else if (!group->is_pending(name)) {
      if (const errc wrong = group->check_member(name, one.instance_id); wrong != errc::none) {
        out.members[i] = wrong;
        continue;
      }
    }
    log_.info("member {} leaves group {}: {}", name, group->id(), one.reason.value_or("no reason given"));
    timers_.cancel({timer_kind::session, group->id(), name});
    remove_member(*group, name);
    out.members[i] = errc::none;
    left = true;
  }
  if (left) {
    if (group->is(classic_state::preparing_rebalance)) {
      complete_join_if_all_joined(*group);
    } else if (!group->is(classic_state::empty)) {
      rebalance_or_complete(*group, "members leave");
    }
  }
  // What that may have written (a group that is empty now) is on the disk when the members hear.
  runtime_.after_writes([done = std::move(done), out = std::move(out)](errc error) mutable {
    if (error != errc::none) out = {.error = append_error_to_response(error), .members = {}};
    done(std::move(out));
  });
}

}  // namespace moldau::coord
