#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "coord/group_coordinator.hpp"

namespace moldau::coord {
namespace {

using wire::protocol::join_group_request;

/// How long the JoinGroup of a new member may wait: nobody can tell a client that has gone from one that waits.
constexpr std::int64_t new_member_timeout_ms = 300'000;
/// KIP-394: from here on a new member is first given its id.
constexpr std::int16_t member_id_required_since = 4;
/// KIP-814: from here on a static leader that returns learns that it need not assign anew.
constexpr std::int16_t skip_assignment_since = 9;

std::vector<member_protocol> protocols_of(const join_group_request& request) {
  std::vector<member_protocol> out;
  std::set<std::string_view> names;
  for (const auto& one : request.protocols) {
    if (!names.insert(one.name).second) continue;
    out.push_back({std::string(one.name), shared_bytes::copy_of(one.metadata)});
  }
  return out;
}

join_result refuse(errc why, std::string_view member = {}) {
  return {.error = why, .member_id = std::string(member)};
}

/// Version 0 has no rebalance timeout.
std::int32_t rebalance_timeout(const join_group_request& request) {
  return request.rebalance_timeout_ms == -1 ? request.session_timeout_ms : request.rebalance_timeout_ms;
}

}  // namespace

void group_coordinator::join(const join_group_request& request, const caller& from, instant now,
                             reply<join_result> done) {
  const turn here(*this, now);
  if (request.group_id.empty()) return done(refuse(errc::invalid_group_id, request.member_id));
  if (request.session_timeout_ms < options_.min_session_timeout_ms ||
      request.session_timeout_ms > options_.max_session_timeout_ms) {
    return done(refuse(errc::invalid_session_timeout, request.member_id));
  }
  std::vector<record> conversion;
  std::unique_ptr<foreign_group> replaced;
  if (const foreign_group* other = find_foreign(request.group_id)) {
    // As Kafka does: an empty consumer group makes place for a classic one.
    if (other->type() != group_type::consumer || other->has_members()) {
      return done(refuse(errc::inconsistent_group_protocol));
    }
    if (!request.member_id.empty()) return done(refuse(errc::unknown_member_id, request.member_id));
    conversion = other->tombstones();
    const auto place = groups_.find(request.group_id);
    replaced = std::move(place->second.foreign);
    groups_.erase(place);
  }
  classic_group* group = classic(request.group_id);
  const bool made = group == nullptr;
  if (made) {
    if (!request.member_id.empty()) return done(refuse(errc::unknown_member_id, request.member_id));
    group = &make_classic(request.group_id);
  }
  if (made) {
    // The group's first record, so that what follows it (ids that were given out) has a group in the log too.
    if (!conversion.empty()) runtime_.write(std::move(conversion), {.apply = false}, [](errc) {});
    write_group(*group, nullptr,
                [this, id = std::string(request.group_id), before = std::move(replaced)](errc error) mutable {
                  if (error == errc::none) return;
                  log_.warn("cannot write group {} to the log: {}", id, moldau::name(error));
                  classic_group* failed = classic(id);
                  if (failed == nullptr || failed->generation() != 0) return;
                  for (auto& [name, member] : failed->members()) {
                    failed->answer_join(member, refuse(append_error_to_response(error)));
                  }
                  erase_group(id);
                  if (before) groups_[id].foreign = std::move(before);
                });
    // A log that takes no such record says so at once.
    group = classic(request.group_id);
    if (group == nullptr) return done(refuse(errc::unknown_server_error, request.member_id));
  }
  protocols offered = protocols_of(request);
  if (!accepts(*group, request.member_id)) {
    timers_.cancel({timer_kind::session, group->id(), std::string(request.member_id)});
    remove_member(*group, request.member_id);
    return done(refuse(errc::group_max_size_reached));
  }
  if (!group->supports(request.protocol_type, offered)) {
    return done(refuse(errc::inconsistent_group_protocol, request.member_id));
  }
  if (request.member_id.empty()) {
    join_new(*group, request, from, std::move(offered), std::move(done));
  } else {
    join_known(*group, request, from, std::move(offered), std::move(done));
  }
}

bool group_coordinator::accepts(const classic_group& group, std::string_view member) const {
  const classic_member* known = group.find(member);
  const auto most = static_cast<std::size_t>(options_.max_size);
  switch (group.state()) {
    case classic_state::empty:
    case classic_state::dead:
      return true;
    case classic_state::preparing_rebalance:
      // By those who wait: the group may be larger than is allowed now, and then its last ones are left out.
      return (known != nullptr && known->is_awaiting_join()) || group.awaiting_join_count() < most;
    case classic_state::completing_rebalance:
    case classic_state::stable:
      return known != nullptr || group.members().size() < most;
  }
  return false;
}

std::string group_coordinator::new_member_id(std::string_view prefix) {
  // As Java prints a random UUID.
  static constexpr std::string_view digits = "0123456789abcdef";
  std::array<std::uint64_t, 2> bits{options_.random(), options_.random()};
  bits[0] = (bits[0] & ~std::uint64_t{0xf000}) | 0x4000;
  bits[1] = (bits[1] & ~(std::uint64_t{3} << 62U)) | (std::uint64_t{2} << 62U);
  std::string out(prefix);
  out += '-';
  for (std::size_t i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    out += digits[(bits[i / 16] >> (60 - 4 * (i % 16))) & 0xfU];
  }
  return out;
}

void group_coordinator::join_new(classic_group& group, const join_group_request& request, const caller& from,
                                 protocols offered, reply<join_result> done) {
  if (request.group_instance_id) {
    if (const auto old = group.static_member(*request.group_instance_id)) {
      replace_static_member(group, request, from, *old, std::move(offered), std::move(done));
      return;
    }
    add_member(group, request, from, new_member_id(*request.group_instance_id), std::move(offered), std::move(done));
    return;
  }
  std::string id = new_member_id(from.client_id);
  if (from.api_version < member_id_required_since) {
    add_member(group, request, from, std::move(id), std::move(offered), std::move(done));
    return;
  }
  group.add_pending(id);
  start_timer(timer_kind::session, group.id(), id, request.session_timeout_ms);
  done(refuse(errc::member_id_required, id));
}

void group_coordinator::join_known(classic_group& group, const join_group_request& request, const caller& from,
                                   protocols offered, reply<join_result> done) {
  if (group.is_pending(request.member_id)) {
    // Ids are given out to dynamic members only.
    if (request.group_instance_id) return done(refuse(errc::unknown_server_error, request.member_id));
    add_member(group, request, from, std::string(request.member_id), std::move(offered), std::move(done));
    return;
  }
  if (const errc wrong = group.check_member(request.member_id, request.group_instance_id); wrong != errc::none) {
    return done(refuse(wrong, request.member_id));
  }
  classic_member& member = *group.find(request.member_id);
  const bool unchanged = same_protocols(member.protocols, offered);
  switch (group.state()) {
    case classic_state::preparing_rebalance:
      update_member(group, member, request, std::move(offered), std::move(done));
      return;
    case classic_state::completing_rebalance:
      // The same again: the response to the first has been lost.
      if (unchanged) return done(current_generation(group, member));
      update_member(group, member, request, std::move(offered), std::move(done));
      return;
    case classic_state::stable:
      // A leader that joins again wants a rebalance, because of something that its metadata doesn't tell.
      if (unchanged && !group.is_leader(member.id)) {
        join_result same = current_generation(group, member);
        return done(std::move(same));
      }
      update_member(group, member, request, std::move(offered), std::move(done));
      return;
    case classic_state::empty:
    case classic_state::dead:
      return done(refuse(errc::unknown_member_id, request.member_id));
  }
}

join_result group_coordinator::current_generation(const classic_group& group, const classic_member& member) {
  join_result out{.generation = group.generation(),
                  .protocol_type = group.protocol_type(),
                  .protocol_name = group.protocol_name(),
                  .leader = group.leader().value_or(""),
                  .member_id = member.id};
  if (group.is_leader(member.id)) out.members = group.member_list();
  return out;
}

void group_coordinator::add_member(classic_group& group, const join_group_request& request, const caller& from,
                                   std::string id, protocols offered, reply<join_result> done) {
  if (group.is(classic_state::preparing_rebalance) && group.previous_state() == classic_state::empty) {
    group.member_came = true;
  }
  classic_member member;
  member.id = std::move(id);
  if (request.group_instance_id) member.instance_id = *request.group_instance_id;
  member.client_id = from.client_id;
  member.client_host = from.client_host;
  member.rebalance_timeout_ms = rebalance_timeout(request);
  member.session_timeout_ms = request.session_timeout_ms;
  member.protocols = std::move(offered);
  member.awaiting_join = std::move(done);
  member.is_new = true;
  const classic_member& added = group.add(std::move(member), request.protocol_type);
  start_timer(timer_kind::session, group.id(), added.id, new_member_timeout_ms);
  rebalance_or_complete(group, "a member joins");
}

void group_coordinator::update_member(classic_group& group, classic_member& member, const join_group_request& request,
                                      protocols offered, reply<join_result> done) {
  group.update(member, std::move(offered), rebalance_timeout(request), request.session_timeout_ms);
  // A join that still waits was sent by a connection that its client has given up.
  group.answer_join(member, refuse(errc::unknown_member_id, member.id));
  member.awaiting_join = std::move(done);
  rebalance_or_complete(group, "a member joins again");
}

void group_coordinator::replace_static_member(classic_group& group, const join_group_request& request,
                                              const caller& from, const std::string& old_id, protocols offered,
                                              reply<join_result> done) {
  const std::string leader_before = group.leader().value_or("");
  timers_.cancel({timer_kind::session, group.id(), old_id});
  classic_member& member =
      group.replace_static(*request.group_instance_id, old_id, new_member_id(*request.group_instance_id));
  reset_session(group, member);
  protocols old_protocols = member.protocols;
  const std::int32_t old_rebalance_timeout_ms = member.rebalance_timeout_ms;
  const std::int32_t old_session_timeout_ms = member.session_timeout_ms;
  group.update(member, std::move(offered), rebalance_timeout(request), request.session_timeout_ms);
  member.awaiting_join = std::move(done);

  if (group.is(classic_state::completing_rebalance)) {
    // The leader may be assigning for the old id right now.
    prepare_rebalance(group, "a static member returns");
    return;
  }
  if (!group.is(classic_state::stable)) {
    complete_join_if_all_joined(group);
    return;
  }
  if (group.protocol_name() != group.select_protocol()) {
    rebalance_or_complete(group, "a static member returns and changes the protocol");
    return;
  }
  // Nothing changes but the member's id: it is stored, and the member goes on with its assignment.
  write_group(group, nullptr,
              [this, id = group.id(), instance = std::string(*request.group_instance_id), old_id, new_id = member.id,
               leader_before, version = from.api_version, old_protocols = std::move(old_protocols),
               old_rebalance_timeout_ms, old_session_timeout_ms](errc error) mutable {
                classic_group* in = classic(id);
                classic_member* it = in == nullptr ? nullptr : in->find(new_id);
                if (it == nullptr) return;
                if (error != errc::none) {
                  log_.warn("cannot store the static member {} of group {}: {}", instance, id, moldau::name(error));
                  in->answer_join(*it, refuse(append_error_to_response(error)));
                  in->update(*it, std::move(old_protocols), old_rebalance_timeout_ms, old_session_timeout_ms);
                  timers_.cancel({timer_kind::session, id, new_id});
                  reset_session(*in, in->replace_static(instance, new_id, old_id));
                  return;
                }
                if (in->is(classic_state::preparing_rebalance)) return;  // then it waits with all others
                join_result out = current_generation(*in, *it);
                if (version >= skip_assignment_since) {
                  out.skip_assignment = in->is_leader(new_id);
                } else {
                  // Older clients would assign if they were told that they lead.
                  out.leader = leader_before;
                  out.members.clear();
                }
                in->answer_join(*it, std::move(out));
              });
}

}  // namespace moldau::coord
