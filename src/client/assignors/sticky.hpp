#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "moldau/client/assignor.hpp"

/// The sticky assignment of Java's AbstractStickyAssignor: as balanced as possible first, as few moves as possible
/// second. Members and partitions are numbers here, in the order of their names, so that the result doesn't depend on
/// any hash; where Java walks a hash map, these take that order.
namespace moldau::client::assignors {

/// A member as the two algorithms see it.
struct sticky_member {
  std::string id;
  /// Numbers of the topics that it wants and that exist, in the order in which it named them.
  std::vector<std::size_t> topics;
  /// What it claims to hold, and in which generation it got that.
  std::vector<topic_partition> claimed;
  std::int32_t generation = -1;
  bool has_generation = false;
  std::string rack;
};

struct sticky_partition {
  std::size_t topic = 0;
  std::int32_t number = 0;
};

/// What is to be divided, and what is known of how it was.
struct sticky_problem {
  /// In the order of their ids.
  std::vector<sticky_member> members;
  /// In the order of their names.
  std::vector<std::string> topics;
  /// The number of each topic's first partition, and behind the last topic how many there are.
  std::vector<std::size_t> first;
  std::vector<sticky_partition> partitions;
  /// What each member holds, after conflicting claims were settled.
  std::vector<std::vector<std::size_t>> owned;
  /// Claimed by two members of one generation: nobody is believed.
  std::set<std::size_t> claimed_twice;
  std::int32_t generation_max = -1;
  bool all_want_the_same = true;

  /// By member; empty where racks change nothing.
  std::vector<std::string> member_racks;
  /// By partition; likewise.
  std::vector<std::set<std::string>> partition_racks;

  [[nodiscard]] bool by_rack() const { return !partition_racks.empty(); }
  [[nodiscard]] bool rack_differs(std::size_t member, std::size_t partition) const {
    return by_rack() && !member_racks[member].empty() && !partition_racks[partition].contains(member_racks[member]);
  }
  [[nodiscard]] bool rack_matches(std::size_t member, std::size_t partition) const {
    return by_rack() && !member_racks[member].empty() && partition_racks[partition].contains(member_racks[member]);
  }
  [[nodiscard]] std::size_t partitions_of(std::size_t topic) const { return first[topic + 1] - first[topic]; }
  [[nodiscard]] topic_partition named(std::size_t partition) const {
    return {topics[partitions[partition].topic], partition_id(partitions[partition].number)};
  }
};

/// Who says what of itself: the two sticky assignors carry it in different places.
struct sticky_claim {
  std::vector<topic_partition> partitions;
  std::int32_t generation = -1;
  bool has_generation = false;
};
using sticky_claims = std::map<std::string, sticky_claim>;

[[nodiscard]] sticky_problem make_problem(const assignable_topics& topics, const group_subscriptions& members,
                                          const sticky_claims& claims);

struct sticky_solution {
  /// By member.
  std::vector<std::vector<std::size_t>> given;
  /// Partitions that move from one member to another, and to whom: with the cooperative protocol they wait. Only
  /// where all members want the same.
  std::map<std::size_t, std::size_t> moving;
};

/// Where all members want the same topics.
[[nodiscard]] sticky_solution divide_alike(const sticky_problem& of);
/// Where they don't.
[[nodiscard]] sticky_solution divide_unlike(const sticky_problem& of);

}  // namespace moldau::client::assignors
