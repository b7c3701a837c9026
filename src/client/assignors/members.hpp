#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "moldau/client/assignor.hpp"

namespace moldau::client::assignors {

/// A member's place in the order that Java gives members: static ones first by instance id, then the others by id.
struct ordered_member {
  const std::string* id = nullptr;
  const member_subscription* subscription = nullptr;

  friend bool operator<(const ordered_member& a, const ordered_member& b) {
    const auto& left = a.subscription->instance_id;
    const auto& right = b.subscription->instance_id;
    if (left.has_value() != right.has_value()) return left.has_value();
    return left ? *left < *right : *a.id < *b.id;
  }
};

[[nodiscard]] inline bool wants(const member_subscription& member, const std::string& topic) {
  return std::ranges::find(member.topics, topic) != member.topics.end();
}

[[nodiscard]] inline std::vector<ordered_member> in_order(const group_subscriptions& members) {
  std::vector<ordered_member> out;
  for (const auto& [id, subscription] : members) out.push_back({&id, &subscription});
  std::ranges::sort(out, [](const ordered_member& a, const ordered_member& b) { return a < b; });
  return out;
}

/// A member's rack, null where it says none.
[[nodiscard]] inline const std::string* rack_of(const member_subscription& member) {
  return member.rack && !member.rack->empty() ? &*member.rack : nullptr;
}

/// Whether looking at racks can change anything (KIP-881): members and partitions share some, and not every partition
/// is on every rack.
template <typename RackSets>
[[nodiscard]] bool racks_matter(const std::set<std::string>& of_members, const RackSets& of_partitions) {
  std::set<std::string> all;
  for (const std::set<std::string>& racks : of_partitions) all.insert(racks.begin(), racks.end());
  if (std::ranges::none_of(of_members, [&](const std::string& rack) { return all.contains(rack); })) return false;
  return std::ranges::any_of(of_partitions, [&](const std::set<std::string>& racks) { return racks != all; });
}

}  // namespace moldau::client::assignors
