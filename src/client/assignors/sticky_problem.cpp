#include <algorithm>
#include <optional>

#include "client/assignors/members.hpp"
#include "client/assignors/sticky.hpp"

namespace moldau::client::assignors {
namespace {

std::optional<std::size_t> number_of(const sticky_problem& in, const topic_partition& partition) {
  const auto found = std::ranges::lower_bound(in.topics, partition.topic);
  if (found == in.topics.end() || *found != partition.topic) return std::nullopt;
  const auto topic = static_cast<std::size_t>(found - in.topics.begin());
  const auto index = static_cast<std::size_t>(partition.partition.value());
  if (partition.partition < partition_id(0) || index >= in.partitions_of(topic)) return std::nullopt;
  return in.first[topic] + index;
}

/// Two members that claim one partition: the newer generation is believed; of the same one, nobody.
void settle_claims(sticky_problem& in) {
  std::map<std::size_t, std::size_t> holders;
  in.owned.resize(in.members.size());
  for (std::size_t m = 0; m < in.members.size(); ++m) {
    const sticky_member& member = in.members[m];
    in.generation_max = std::max(in.generation_max, member.generation);
    for (const topic_partition& claimed : member.claimed) {
      const auto partition = number_of(in, claimed);
      if (!partition) continue;
      const auto other = holders.find(*partition);
      if (other == holders.end()) {
        in.owned[m].push_back(*partition);
        holders[*partition] = m;
        continue;
      }
      const std::int32_t theirs = in.members[other->second].generation;
      if (member.generation < theirs || other->second == m) continue;
      std::erase(in.owned[other->second], *partition);
      if (member.generation == theirs) {
        in.claimed_twice.insert(*partition);
      } else {
        in.owned[m].push_back(*partition);
      }
      other->second = m;
    }
  }
}

/// Topics that nobody wants aren't divided.
assignable_topics wanted_ones(const assignable_topics& topics, const group_subscriptions& members) {
  std::set<std::string> wanted;
  for (const auto& [id, member] : members) wanted.insert(member.topics.begin(), member.topics.end());
  assignable_topics out = topics;
  std::erase_if(out, [&](const auto& entry) { return !wanted.contains(entry.first); });
  return out;
}

void look_at_racks(sticky_problem& in, const assignable_topics& topics) {
  std::set<std::string> racks;
  for (const sticky_member& member : in.members) {
    if (!member.rack.empty()) racks.insert(member.rack);
  }
  if (racks.empty()) return;
  std::vector<std::set<std::string>> by_partition;
  for (const auto& [name, topic] : topics)
    by_partition.insert(by_partition.end(), topic.racks.begin(), topic.racks.end());
  if (!racks_matter(racks, by_partition)) return;
  in.partition_racks = std::move(by_partition);
  for (const sticky_member& member : in.members) in.member_racks.push_back(member.rack);
}

}  // namespace

sticky_problem make_problem(const assignable_topics& all, const group_subscriptions& members,
                            const sticky_claims& claims) {
  const assignable_topics topics = wanted_ones(all, members);
  sticky_problem out;
  for (const auto& [name, topic] : topics) {
    out.first.push_back(out.partitions.size());
    for (std::size_t p = 0; p < topic.partitions(); ++p) {
      out.partitions.push_back({out.topics.size(), static_cast<std::int32_t>(p)});
    }
    out.topics.push_back(name);
  }
  out.first.push_back(out.partitions.size());

  std::set<std::string> common;
  for (const auto& [id, subscription] : members) {
    const std::set<std::string> wanted(subscription.topics.begin(), subscription.topics.end());
    if (out.members.empty()) common = wanted;
    out.all_want_the_same = out.all_want_the_same && wanted == common;
    sticky_member member{.id = id, .topics = {}, .claimed = {}, .rack = subscription.rack.value_or("")};
    for (const std::string& topic : subscription.topics) {
      const auto found = std::ranges::lower_bound(out.topics, topic);
      if (found != out.topics.end() && *found == topic) {
        member.topics.push_back(static_cast<std::size_t>(found - out.topics.begin()));
      }
    }
    if (const auto claim = claims.find(id); claim != claims.end()) {
      member.claimed = claim->second.partitions;
      member.generation = claim->second.generation;
      member.has_generation = claim->second.has_generation;
    }
    out.members.push_back(std::move(member));
  }
  settle_claims(out);
  look_at_racks(out, topics);
  return out;
}

}  // namespace moldau::client::assignors
