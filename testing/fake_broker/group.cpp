#include "testing/fake_broker/group.hpp"

#include <algorithm>

namespace moldau::testing::fake {
namespace {

bool knows(const group::member& who, const std::string& protocol) {
  return std::ranges::any_of(who.protocols, [&](const auto& one) { return one.first == protocol; });
}

}  // namespace

std::string_view group::state_name() const {
  switch (phase_) {
    case phase::empty:
      return "Empty";
    case phase::preparing:
      return "PreparingRebalance";
    case phase::completing:
      return "CompletingRebalance";
    case phase::stable:
      return "Stable";
  }
  return "";
}

std::string group::metadata_of(const member& who) const {
  const auto found = std::ranges::find(who.protocols, protocol_, &std::pair<std::string, std::string>::first);
  return found == who.protocols.end() ? std::string() : found->second;
}

errc group::check(const std::string& member_id, const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const auto holder =
        std::ranges::find(members_, instance_id, [](const auto& one) { return one.second.instance_id; });
    if (holder == members_.end()) return errc::unknown_member_id;
    if (holder->first != member_id) return errc::fenced_instance_id;
    return errc::none;
  }
  return members_.contains(member_id) ? errc::none : errc::unknown_member_id;
}

bool group::supports(const join_request& by, const std::string& except) const {
  if (by.protocol_type.empty() || by.protocols.empty()) return false;
  const bool alone = members_.empty() || (members_.size() == 1 && members_.contains(except));
  if (alone) return true;
  if (by.protocol_type != protocol_type_) return false;
  return std::ranges::any_of(by.protocols, [&](const auto& mine) {
    return std::ranges::all_of(
        members_, [&](const auto& other) { return other.first == except || knows(other.second, mine.first); });
  });
}

group::join_answer group::join(const join_request& by, rt::time_point now, rt::duration first_delay) {
  tick(now);
  std::string id = by.member_id;
  bool is_static_return = false;
  if (by.instance_id) {
    const auto holder =
        std::ranges::find(members_, by.instance_id, [](const auto& one) { return one.second.instance_id; });
    if (holder != members_.end()) {
      if (!id.empty() && holder->first != id) return {.code = errc::fenced_instance_id, .member_id = id};
      if (id.empty()) {
        // KIP-345: the same instance in a new process takes its place over, under a new id.
        auto node = members_.extract(holder);
        is_static_return = phase_ == phase::stable && node.mapped().protocols == by.protocols;
        if (leader_ == node.key()) leader_ = by.id_if_new;
        id = node.key() = node.mapped().id = by.id_if_new;
        members_.insert(std::move(node));
      }
    } else if (!id.empty()) {
      return {.code = errc::unknown_member_id, .member_id = id};
    }
  }
  if (id.empty()) {
    id = by.id_if_new;
    if (by.must_know_id && !by.instance_id) {
      promised_ids_.insert(id);
      return {.code = errc::member_id_required, .member_id = id};
    }
  } else if (!members_.contains(id) && promised_ids_.erase(id) == 0) {
    return {.code = errc::unknown_member_id, .member_id = id};
  }
  if (!supports(by, id)) return {.code = errc::inconsistent_group_protocol, .member_id = by.member_id};

  const bool is_new = !members_.contains(id);
  member& who = members_[id];
  const bool says_the_same = !is_new && who.protocols == by.protocols;
  who.id = id;
  who.instance_id = by.instance_id;
  who.client_id = by.client_id;
  who.session = by.session;
  who.rebalance = by.rebalance;
  who.protocols = by.protocols;
  who.heard = now;
  if (members_.size() == 1) protocol_type_ = by.protocol_type;
  if (is_static_return) return {.member_id = id, .skip_assignment = leader_ == id};
  // Who comes again with nothing new has lost an answer; but a leader that comes again wants to share out anew.
  if (says_the_same && phase_ == phase::completing) return {.member_id = id};
  if (says_the_same && phase_ == phase::stable && leader_ != id) return {.member_id = id};
  who.joining = true;
  const bool first = phase_ == phase::empty;
  if (phase_ != phase::preparing) {
    rebalance(now);
    if (first) earliest_ = now + first_delay;
  }
  latest_ = std::max(latest_, now + who.rebalance);
  const join_answer waiting{.member_id = id, .waits = true, .after_generation = generation_};
  complete_if_all_joined(now);
  return joined(waiting);
}

group::join_answer group::joined(const join_answer& before) const {
  const auto me = members_.find(before.member_id);
  if (me == members_.end()) return {.code = errc::unknown_member_id, .member_id = before.member_id};
  if (generation_ <= before.after_generation) return before;
  return {.member_id = before.member_id};
}

void group::rebalance(rt::time_point now) {
  if (members_.empty()) {
    phase_ = phase::empty;
    return;
  }
  phase_ = phase::preparing;
  earliest_ = now;
  latest_ = now;
  for (auto& [id, who] : members_) {
    who.synced = false;
    latest_ = std::max(latest_, now + who.rebalance);
  }
}

void group::complete_if_all_joined(rt::time_point now) {
  if (phase_ != phase::preparing || now < earliest_) return;
  if (std::ranges::all_of(members_, [](const auto& one) { return one.second.joining; })) complete(now);
}

void group::complete(rt::time_point now) {
  std::erase_if(members_, [](const auto& one) { return !one.second.joining && !one.second.instance_id; });
  ++generation_;
  if (members_.empty()) {
    phase_ = phase::empty;
    leader_.clear();
    return;
  }
  if (!members_.contains(leader_)) leader_ = members_.begin()->first;
  choose_protocol();
  phase_ = phase::completing;
  latest_ = now;
  for (auto& [id, who] : members_) {
    who.joining = false;
    who.synced = false;
    who.assignment.clear();
    who.heard = now;
    latest_ = std::max(latest_, now + who.rebalance);
  }
}

void group::choose_protocol() {
  std::map<std::string, std::size_t> votes;
  for (const auto& [id, who] : members_) {
    const auto mine = std::ranges::find_if(who.protocols, [&](const auto& one) {
      return std::ranges::all_of(members_, [&](const auto& other) { return knows(other.second, one.first); });
    });
    if (mine != who.protocols.end()) ++votes[mine->first];
  }
  const auto most = std::ranges::max_element(votes, {}, &std::pair<const std::string, std::size_t>::second);
  protocol_ = most == votes.end() ? std::string() : most->first;
}

std::optional<errc> group::sync(const std::string& member_id, const std::optional<std::string>& instance_id,
                                std::int32_t generation,
                                const std::vector<std::pair<std::string, std::string>>& assignments,
                                rt::time_point now) {
  tick(now);
  if (const errc code = check(member_id, instance_id); code != errc::none) return code;
  if (generation != generation_) return errc::illegal_generation;
  member& who = members_.at(member_id);
  who.heard = now;
  if (phase_ == phase::preparing) return errc::rebalance_in_progress;
  who.synced = true;
  if (phase_ == phase::stable) return errc::none;
  if (leader_ != member_id) return std::nullopt;
  for (const auto& [id, share] : assignments) {
    if (const auto of = members_.find(id); of != members_.end()) of->second.assignment = share;
  }
  phase_ = phase::stable;
  return errc::none;
}

errc group::heartbeat(const std::string& member_id, const std::optional<std::string>& instance_id,
                      std::int32_t generation, rt::time_point now) {
  tick(now);
  if (const errc code = check(member_id, instance_id); code != errc::none) return code;
  if (generation != generation_) return errc::illegal_generation;
  members_.at(member_id).heard = now;
  return phase_ == phase::preparing ? errc::rebalance_in_progress : errc::none;
}

errc group::leave(const std::string& member_id, const std::optional<std::string>& instance_id, rt::time_point now) {
  tick(now);
  std::string id = member_id;
  if (instance_id && id.empty()) {
    const auto holder =
        std::ranges::find(members_, instance_id, [](const auto& one) { return one.second.instance_id; });
    if (holder == members_.end()) return errc::unknown_member_id;
    id = holder->first;
  }
  if (const errc code = check(id, instance_id); code != errc::none) return code;
  remove(id, now);
  return errc::none;
}

errc group::may_commit(const std::string& member_id, const std::optional<std::string>& instance_id,
                       std::int32_t generation, rt::time_point now) {
  tick(now);
  if (generation < 0 && member_id.empty()) return members_.empty() ? errc::none : errc::unknown_member_id;
  if (const errc code = check(member_id, instance_id); code != errc::none) return code;
  if (generation != generation_) return errc::illegal_generation;
  members_.at(member_id).heard = now;
  return phase_ == phase::completing ? errc::rebalance_in_progress : errc::none;
}

void group::remove(const std::string& member_id, rt::time_point now) {
  if (members_.erase(member_id) == 0) return;
  if (phase_ != phase::preparing) rebalance(now);
  if (members_.empty()) {
    ++generation_;
    leader_.clear();
    phase_ = phase::empty;
  }
  complete_if_all_joined(now);
}

void group::tick(rt::time_point now) {
  std::vector<std::string> gone;
  for (const auto& [id, who] : members_) {
    if (!who.joining && who.heard + who.session <= now) gone.push_back(id);
  }
  for (const std::string& id : gone) remove(id, now);
  if (phase_ == phase::preparing) {
    complete_if_all_joined(now);
    if (phase_ == phase::preparing && now >= latest_) complete(now);
  } else if (phase_ == phase::completing && now >= latest_) {
    std::vector<std::string> silent;
    for (const auto& [id, who] : members_) {
      if (!who.synced) silent.push_back(id);
    }
    for (const std::string& id : silent) remove(id, now);
  }
}

std::optional<rt::time_point> group::next_event() const {
  if (members_.empty()) return std::nullopt;
  rt::time_point out = rt::time_point::max();
  if (phase_ == phase::preparing) {
    const bool all = std::ranges::all_of(members_, [](const auto& one) { return one.second.joining; });
    out = all ? earliest_ : latest_;
  } else if (phase_ == phase::completing) {
    out = latest_;
  }
  for (const auto& [id, who] : members_) {
    if (!who.joining) out = std::min(out, who.heard + who.session);
  }
  return out;
}

}  // namespace moldau::testing::fake
