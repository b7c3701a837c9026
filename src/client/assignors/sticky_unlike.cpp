#include <algorithm>
#include <optional>

#include "client/assignors/sticky.hpp"

namespace moldau::client::assignors {
namespace {

constexpr std::size_t nobody = SIZE_MAX;

/// Remembers who gave which partition to whom, so that of one topic nothing moves from a to b and something else from
/// b to a.
class movements {
 public:
  void moved(std::size_t topic, std::size_t partition, std::size_t from, std::size_t to) {
    if (const auto before = pair_of_.find(partition); before != pair_of_.end()) {
      const std::size_t origin = before->second.first;
      forget(topic, partition);
      if (origin == to) return;
      from = origin;
    }
    pair_of_[partition] = {from, to};
    by_topic_[topic][{from, to}].insert(partition);
  }
  /// What to move instead of `partition`, so that a move the other way is taken back.
  [[nodiscard]] std::size_t instead(std::size_t topic, std::size_t partition, std::size_t from, std::size_t to) const {
    const auto moves = by_topic_.find(topic);
    if (moves == by_topic_.end()) return partition;
    if (const auto before = pair_of_.find(partition); before != pair_of_.end()) from = before->second.first;
    const auto reverse = moves->second.find({to, from});
    return reverse == moves->second.end() ? partition : *reverse->second.begin();
  }

 private:
  using pair = std::pair<std::size_t, std::size_t>;

  void forget(std::size_t topic, std::size_t partition) {
    const pair of = pair_of_.at(partition);
    pair_of_.erase(partition);
    auto& moves = by_topic_.at(topic);
    moves.at(of).erase(partition);
    if (moves.at(of).empty()) moves.erase(of);
    if (moves.empty()) by_topic_.erase(topic);
  }

  std::map<std::size_t, std::map<pair, std::set<std::size_t>>> by_topic_;
  std::map<std::size_t, pair> pair_of_;
};

/// Members want different topics: keeps what may be kept, gives the rest to whoever has least, then moves one partition
/// at a time from who has more to who has less, as long as that helps.
class unlike {
 public:
  explicit unlike(const sticky_problem& of)
      : of_(of), has_(of.owned), holder_(of.partitions.size(), nobody), takers_(of.topics.size()) {
    for (std::size_t m = 0; m < of.members.size(); ++m) {
      for (const std::size_t topic : of.members[m].topics) takers_[topic].push_back(m);
      for (const std::size_t p : has_[m]) holder_[p] = m;
    }
    // Topics that the fewest members want come first.
    std::vector<std::size_t> topics(of.topics.size());
    for (std::size_t t = 0; t < topics.size(); ++t) topics[t] = t;
    std::ranges::sort(topics, {}, [&](std::size_t t) { return std::pair(takers_[t].size(), t); });
    for (const std::size_t t : topics) {
      for (std::size_t p = of.first[t]; p < of.first[t + 1]; ++p) order_.push_back(p);
    }
  }

  sticky_solution solve() {
    remember_older_owners();
    std::vector<std::size_t> rest = take_back_what_cannot_stay();
    for (std::size_t m = 0; m < has_.size(); ++m) by_load_.insert({has_[m].size(), m});
    balance(std::move(rest));
    return {.given = std::move(has_), .moving = {}};
  }

 private:
  /// Whoever had a partition in an older generation is the first to get it when it must move.
  void remember_older_owners() {
    for (std::size_t m = 0; m < of_.members.size(); ++m) {
      const sticky_member& member = of_.members[m];
      const bool is_older = member.has_generation ? member.generation < of_.generation_max : of_.generation_max > -1;
      if (!is_older) continue;
      const std::int32_t generation = member.has_generation ? member.generation : -1;
      for (const topic_partition& claimed : member.claimed) {
        const auto topic = std::ranges::lower_bound(of_.topics, claimed.topic);
        if (topic == of_.topics.end() || *topic != claimed.topic) continue;
        const auto t = static_cast<std::size_t>(topic - of_.topics.begin());
        const auto number = static_cast<std::size_t>(claimed.partition.value());
        if (claimed.partition < partition_id(0) || number >= of_.partitions_of(t)) continue;
        auto& before = older_[of_.first[t] + number];
        if (!before || generation > before->second) before = {m, generation};
      }
    }
  }

  [[nodiscard]] bool wants(std::size_t member, std::size_t topic) const {
    return std::ranges::find(of_.members[member].topics, topic) != of_.members[member].topics.end();
  }

  std::vector<std::size_t> take_back_what_cannot_stay() {
    std::vector<bool> stays(of_.partitions.size(), false);
    for (std::size_t m = 0; m < has_.size(); ++m) {
      std::erase_if(has_[m], [&](std::size_t p) {
        if (wants(m, of_.partitions[p].topic) && !of_.rack_differs(m, p)) {
          stays[p] = true;
          return false;
        }
        something_was_taken_ = true;
        return true;
      });
    }
    std::vector<std::size_t> rest;
    std::ranges::copy_if(order_, std::back_inserter(rest), [&](std::size_t p) { return !stays[p]; });
    return rest;
  }

  /// To the member with the least that may have it.
  bool give(std::size_t partition, bool on_rack_only) {
    for (const auto& [load, member] : by_load_) {
      if (!wants(member, of_.partitions[partition].topic)) continue;
      if (on_rack_only && of_.rack_differs(member, partition)) continue;
      const std::size_t to = member;
      by_load_.erase({load, to});
      has_[to].push_back(partition);
      holder_[partition] = to;
      by_load_.insert({has_[to].size(), to});
      return true;
    }
    return false;
  }

  [[nodiscard]] std::size_t most_possible(std::size_t member) const {
    std::size_t sum = 0;
    for (const std::size_t topic : of_.members[member].topics) sum += of_.partitions_of(topic);
    return sum;
  }
  [[nodiscard]] bool may_change(std::size_t member) const {
    if (has_[member].size() < most_possible(member)) return true;
    return std::ranges::any_of(has_[member],
                               [&](std::size_t p) { return takers_[of_.partitions[p].topic].size() >= 2; });
  }

  void balance(std::vector<std::size_t> rest) {
    const bool starts = by_load_.empty() || has_[by_load_.rbegin()->second].empty();
    if (of_.by_rack()) {
      std::vector<std::size_t> left;
      std::ranges::copy_if(rest, std::back_inserter(left), [&](std::size_t p) { return !give(p, true); });
      for (const std::size_t p : left) give(p, false);
    } else {
      for (const std::size_t p : rest) give(p, false);
    }
    const auto is_fixed = [&](std::size_t p) { return takers_[of_.partitions[p].topic].size() < 2; };
    std::erase_if(order_, is_fixed);
    std::erase_if(rest, is_fixed);
    for (std::size_t m = 0; m < has_.size(); ++m) {
      if (!may_change(m)) by_load_.erase({has_[m].size(), m});
    }

    const auto has_before = has_;
    const auto score_before = score();
    if (!something_was_taken_) improve(rest);
    const bool changed = improve(order_);
    if (!starts && changed && score() >= score_before) has_ = has_before;
  }

  /// How far apart the members that may change are, summed over all pairs.
  [[nodiscard]] std::size_t score() const {
    std::size_t sum = 0;
    for (auto a = by_load_.begin(); a != by_load_.end(); ++a) {
      for (auto b = std::next(a); b != by_load_.end(); ++b) sum += b->first - a->first;
    }
    return sum;
  }

  [[nodiscard]] bool is_balanced() const {
    if (by_load_.empty() || by_load_.begin()->first + 1 >= by_load_.rbegin()->first) return true;
    for (const auto& [load, member] : by_load_) {
      if (load == most_possible(member)) continue;
      for (const std::size_t topic : of_.members[member].topics) {
        for (std::size_t p = of_.first[topic]; p < of_.first[topic + 1]; ++p) {
          if (holder_[p] != member && holder_[p] != nobody && load + 1 < has_[holder_[p]].size()) return false;
        }
      }
    }
    return true;
  }

  [[nodiscard]] bool has_less(std::size_t other, std::size_t than) const {
    return has_[than].size() > has_[other].size() + 1;
  }

  /// Moves partitions as long as anything gets better by it.
  bool improve(const std::vector<std::size_t>& which) {
    bool ever = false;
    for (bool again = true; std::exchange(again, false);) {
      for (const std::size_t p : which) {
        if (is_balanced()) break;
        const std::size_t holder = holder_[p];
        if (holder == nobody) continue;
        const std::size_t before = older_owner(p);
        if (before != nobody && has_less(before, holder)) {
          move(p, before);
        } else if (someone_has_less(p, holder)) {
          move(p, with_least(of_.partitions[p].topic));
        } else {
          continue;
        }
        again = ever = true;
      }
    }
    return ever;
  }

  [[nodiscard]] std::size_t older_owner(std::size_t partition) const {
    const auto found = older_.find(partition);
    if (found == older_.end() || !wants(found->second->first, of_.partitions[partition].topic)) return nobody;
    return found->second->first;
  }

  /// Whether a member that may have the partition has two fewer than its holder; one on its rack is looked for first,
  /// though any will do.
  [[nodiscard]] bool someone_has_less(std::size_t partition, std::size_t holder) const {
    return std::ranges::any_of(takers_[of_.partitions[partition].topic],
                               [&](std::size_t other) { return has_less(other, holder); });
  }
  [[nodiscard]] std::size_t with_least(std::size_t topic) const {
    return std::ranges::find_if(by_load_, [&](const auto& entry) { return wants(entry.second, topic); })->second;
  }

  void move(std::size_t partition, std::size_t to) {
    const std::size_t topic = of_.partitions[partition].topic;
    const std::size_t moved = movements_.instead(topic, partition, holder_[partition], to);
    const std::size_t from = holder_[moved];
    by_load_.erase({has_[from].size(), from});
    by_load_.erase({has_[to].size(), to});
    movements_.moved(topic, moved, from, to);
    std::erase(has_[from], moved);
    has_[to].push_back(moved);
    holder_[moved] = to;
    by_load_.insert({has_[to].size(), to});
    by_load_.insert({has_[from].size(), from});
  }

  const sticky_problem& of_;
  std::vector<std::vector<std::size_t>> has_;
  std::vector<std::size_t> holder_;
  /// By topic, who wants it.
  std::vector<std::vector<std::size_t>> takers_;
  std::vector<std::size_t> order_;
  std::map<std::size_t, std::optional<std::pair<std::size_t, std::int32_t>>> older_;
  /// Members by how much they have, then by id.
  std::set<std::pair<std::size_t, std::size_t>> by_load_;
  bool something_was_taken_ = false;
  movements movements_;
};

}  // namespace

sticky_solution divide_unlike(const sticky_problem& of) {
  return unlike(of).solve();
}

}  // namespace moldau::client::assignors
