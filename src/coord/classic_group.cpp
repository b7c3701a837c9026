#include "coord/classic_group.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "wire/primitives.hpp"
#include "wire/reader.hpp"

namespace moldau::coord {

std::string_view name(classic_state state) {
  switch (state) {
    case classic_state::empty:
      return "Empty";
    case classic_state::preparing_rebalance:
      return "PreparingRebalance";
    case classic_state::completing_rebalance:
      return "CompletingRebalance";
    case classic_state::stable:
      return "Stable";
    case classic_state::dead:
      break;
  }
  return "Dead";
}

bool may_follow(classic_state from, classic_state to) {
  using enum classic_state;
  switch (to) {
    case empty:
    case completing_rebalance:
      return from == preparing_rebalance;
    case preparing_rebalance:
      return from == stable || from == completing_rebalance || from == empty;
    case stable:
      return from == completing_rebalance;
    case dead:
      break;
  }
  return true;
}

bool same_protocols(const std::vector<member_protocol>& a, const std::vector<member_protocol>& b) {
  return std::ranges::equal(a, b, [](const member_protocol& one, const member_protocol& other) {
    return one.name == other.name && wire::same_bytes(one.metadata.view(), other.metadata.view());
  });
}

shared_bytes classic_member::metadata_of(std::string_view protocol) const {
  const auto found = std::ranges::find(protocols, protocol, &member_protocol::name);
  return found == protocols.end() ? shared_bytes() : found->metadata;
}

classic_group::classic_group(std::string id, std::int64_t wall_ms) : id_(std::move(id)), state_since_ms_(wall_ms) {}

classic_group::classic_group(std::string id, const wire::coordinator::group_metadata_value& value)
    : id_(std::move(id)),
      state_(value.members.empty() ? classic_state::empty : classic_state::stable),
      generation_(value.generation) {
  if (value.current_state_timestamp != -1) state_since_ms_ = value.current_state_timestamp;
  if (!value.protocol_type.empty()) protocol_type_ = value.protocol_type;
  if (value.protocol) protocol_name_ = *value.protocol;
  for (const auto& from : value.members) {
    // A damaged record must not put one instance id on two members.
    if (find(from.member_id) != nullptr || (from.group_instance_id && static_.contains(*from.group_instance_id))) {
      continue;
    }
    classic_member member;
    member.id = from.member_id;
    if (from.group_instance_id) member.instance_id = *from.group_instance_id;
    member.client_id = from.client_id;
    member.client_host = from.client_host;
    member.session_timeout_ms = from.session_timeout;
    member.rebalance_timeout_ms = from.rebalance_timeout == -1 ? from.session_timeout : from.rebalance_timeout;
    member.protocols.push_back({protocol_name_.value_or(""), shared_bytes::copy_of(from.subscription)});
    member.assignment = shared_bytes::copy_of(from.assignment);
    add(std::move(member), value.protocol_type);
  }
  if (value.leader && (members_.empty() || members_.contains(*value.leader))) leader_ = *value.leader;
  find_subscribed_topics();
}

void classic_group::move_to(classic_state next, std::int64_t wall_ms) {
  MOLDAU_ASSERT(may_follow(state_, next));
  previous_ = std::exchange(state_, next);
  state_since_ms_ = wall_ms;
}

classic_member* classic_group::find(std::string_view member) {
  const auto found = members_.find(member);
  return found == members_.end() ? nullptr : &found->second;
}

const classic_member* classic_group::find(std::string_view member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? nullptr : &found->second;
}

std::optional<std::string> classic_group::static_member(std::string_view instance) const {
  const auto found = static_.find(instance);
  if (found == static_.end()) return std::nullopt;
  return found->second;
}

errc classic_group::check_member(std::string_view member, const std::optional<std::string_view>& instance) const {
  if (instance) {
    const auto known = static_.find(*instance);
    if (known == static_.end()) return errc::unknown_member_id;
    if (known->second != member) return errc::fenced_instance_id;
  }
  return members_.contains(member) ? errc::none : errc::unknown_member_id;
}

void classic_group::count_votes(const classic_member& member, int by) {
  for (const member_protocol& protocol : member.protocols) {
    auto& count = supported_[protocol.name];
    count += static_cast<std::size_t>(by);
    if (count == 0) supported_.erase(protocol.name);
  }
}

classic_member& classic_group::add(classic_member member, std::string_view protocol_type) {
  MOLDAU_ASSERT(!members_.contains(member.id));
  if (member.instance_id) static_.insert_or_assign(*member.instance_id, member.id);
  if (members_.empty()) protocol_type_ = protocol_type;
  if (!leader_) leader_ = member.id;
  pending_.erase(member.id);
  count_votes(member, 1);
  const std::string key = member.id;
  return members_.emplace(key, std::move(member)).first->second;
}

void classic_group::remove(std::string_view member) {
  // The caller's view may be of what goes here.
  const std::string id(member);
  if (const auto found = members_.find(id); found != members_.end()) {
    count_votes(found->second, -1);
    if (found->second.instance_id) static_.erase(*found->second.instance_id);
    members_.erase(found);
  }
  if (is_leader(id)) leader_ = members_.empty() ? std::nullopt : std::optional(members_.begin()->first);
  pending_.erase(id);
  pending_sync_.erase(id);
}

void classic_group::update(classic_member& member, std::vector<member_protocol> protocols,
                           std::int32_t rebalance_timeout_ms, std::int32_t session_timeout_ms) {
  count_votes(member, -1);
  member.protocols = std::move(protocols);
  count_votes(member, 1);
  member.rebalance_timeout_ms = rebalance_timeout_ms;
  member.session_timeout_ms = session_timeout_ms;
}

classic_member& classic_group::replace_static(std::string_view instance, std::string_view old_id, std::string new_id) {
  const auto found = members_.find(old_id);
  MOLDAU_ASSERT(found != members_.end());
  classic_member& old = found->second;
  answer_join(old, {.error = errc::fenced_instance_id, .member_id = old.id});
  answer_sync(old, {.error = errc::fenced_instance_id});
  auto node = members_.extract(found);
  const std::string before = std::exchange(node.mapped().id, new_id);
  node.key() = new_id;
  classic_member& renamed = members_.insert(std::move(node)).position->second;
  if (is_leader(before)) leader_ = new_id;
  if (pending_sync_.erase(before) > 0) pending_sync_.insert(new_id);
  static_.insert_or_assign(std::string(instance), std::move(new_id));
  return renamed;
}

std::size_t classic_group::awaiting_join_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const auto& one) { return one.second.is_awaiting_join(); }));
}

std::int32_t classic_group::rebalance_timeout_ms() const {
  std::int32_t out = 0;
  for (const auto& [id, member] : members_) out = std::max(out, member.rebalance_timeout_ms);
  return out;
}

bool classic_group::supports(std::string_view protocol_type, const std::vector<member_protocol>& protocols) const {
  if (is(classic_state::empty)) return !protocol_type.empty() && !protocols.empty();
  if (protocol_type_ != protocol_type) return false;
  return std::ranges::any_of(protocols, [&](const member_protocol& one) {
    const auto found = supported_.find(one.name);
    return (found == supported_.end() ? 0 : found->second) == members_.size();
  });
}

std::string classic_group::select_protocol() const {
  std::map<std::string_view, std::size_t> votes;
  for (const auto& [id, member] : members_) {
    const auto first = std::ranges::find_if(member.protocols, [&](const member_protocol& one) {
      const auto found = supported_.find(one.name);
      return found != supported_.end() && found->second == members_.size();
    });
    // Who joins supports one that all others do, so there always is one.
    MOLDAU_ASSERT(first != member.protocols.end());
    ++votes[first->name];
  }
  MOLDAU_ASSERT(!votes.empty());
  return std::string(std::ranges::max_element(votes, {}, [](const auto& one) { return one.second; })->first);
}

bool classic_group::elect_joined_leader() {
  if (!leader_) return false;
  const classic_member* leading = find(*leader_);
  if (leading != nullptr && leading->is_awaiting_join()) return true;
  const auto joined = std::ranges::find_if(members_, [](const auto& one) { return one.second.is_awaiting_join(); });
  if (joined == members_.end()) return false;
  leader_ = joined->first;
  return true;
}

void classic_group::next_generation(std::int64_t wall_ms) {
  generation_ = generation_ == INT32_MAX ? 0 : generation_ + 1;
  protocol_name_ = members_.empty() ? std::nullopt : std::optional(select_protocol());
  find_subscribed_topics();
  move_to(members_.empty() ? classic_state::empty : classic_state::completing_rebalance, wall_ms);
  pending_sync_.clear();
}

void classic_group::find_subscribed_topics() {
  subscribed_topics_.reset();
  if (!uses_consumer_protocol()) return;
  std::set<std::string, std::less<>> topics;
  for (const auto& [id, member] : members_) {
    if (!protocol_name_) return;
    // Every version of the consumer's subscription begins as version 0: the topics' names.
    wire::reader in(member.metadata_of(*protocol_name_));
    static_cast<void>(in.i16());
    const std::size_t count = in.array_count(false, 2, sizeof(std::string));
    for (std::size_t i = 0; i < count && in.ok(); ++i) topics.emplace(in.string(false));
    if (!in.ok()) return;
  }
  subscribed_topics_ = std::move(topics);
}

bool classic_group::is_subscribed_to(std::string_view topic) const {
  // Nobody can tell: then a consumers' group may well be.
  return subscribed_topics_ ? subscribed_topics_->contains(topic) : uses_consumer_protocol();
}

std::vector<join_result::member> classic_group::member_list() const {
  std::vector<join_result::member> out;
  out.reserve(members_.size());
  for (const auto& [id, member] : members_) {
    out.push_back({id, member.instance_id, member.metadata_of(protocol_name_.value_or(""))});
  }
  return out;
}

void classic_group::answer_join(classic_member& member, join_result result) {
  if (auto parked = std::exchange(member.awaiting_join, nullptr)) parked(std::move(result));
}

bool classic_group::answer_sync(classic_member& member, sync_result result) {
  auto parked = std::exchange(member.awaiting_sync, nullptr);
  if (!parked) return false;
  parked(std::move(result));
  return true;
}

}  // namespace moldau::coord
