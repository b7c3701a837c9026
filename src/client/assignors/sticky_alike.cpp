#include <algorithm>
#include <list>

#include "base/assert.hpp"
#include "client/assignors/sticky.hpp"

namespace moldau::client::assignors {
namespace {

/// All members want the same, so each gets `least_` partitions, and some one more: keeps what may be kept, then deals
/// out the rest.
class alike {
 public:
  explicit alike(const sticky_problem& of) : of_(of) {
    const std::size_t members = of.members.size();
    least_ = of.partitions.size() / members;
    with_more_ = of.partitions.size() % members;
    most_ = least_ + (with_more_ > 0 ? 1 : 0);
    out_.given.resize(members);
  }

  sticky_solution solve() {
    std::vector<bool> is_kept(of_.partitions.size(), false);
    keep_owned(is_kept);
    std::list<std::size_t> rest;
    for (std::size_t p = 0; p < is_kept.size(); ++p) {
      if (!is_kept[p]) rest.push_back(p);
    }
    // Members are numbered in the order of their ids, and `keep_owned` walks them so.
    if (of_.by_rack()) {
      sort_by_takers(rest);
      deal_by_rack(rest);
    }
    deal(rest);
    return std::move(out_);
  }

 private:
  void keep_owned(std::vector<bool>& is_kept) {
    for (std::size_t m = 0; m < of_.members.size(); ++m) {
      std::vector<std::size_t> held;
      for (const std::size_t p : of_.owned[m]) {
        if (of_.rack_differs(m, p)) {
          given_up_[p] = m;
        } else if (!of_.claimed_twice.contains(p)) {
          held.push_back(p);
        }
      }
      std::ranges::sort(held, [&](std::size_t a, std::size_t b) {
        const sticky_partition& left = of_.partitions[a];
        const sticky_partition& right = of_.partitions[b];
        return left.number != right.number ? left.number < right.number : left.topic < right.topic;
      });
      std::size_t kept = held.size();
      if (held.size() < least_) {
        below_.push_back(m);
      } else if (held.size() >= most_ && have_more_ < with_more_) {
        kept = most_;
        count_full();
      } else {
        kept = least_;
        if (have_more_ < with_more_) at_least_.push_back(m);
      }
      for (std::size_t i = 0; i < held.size(); ++i) {
        if (i < kept) {
          out_.given[m].push_back(held[i]);
          is_kept[held[i]] = true;
        } else {
          given_up_[held[i]] = m;
        }
      }
    }
  }

  /// Another member has one more than the least; once there are enough of those, nobody else may.
  void count_full() {
    if (++have_more_ == with_more_) at_least_.clear();
  }

  /// Those first that the fewest members could read from their own rack.
  void sort_by_takers(std::list<std::size_t>& rest) {
    std::vector<std::size_t> takers(of_.partitions.size(), 0);
    for (std::size_t p = 0; p < takers.size(); ++p) {
      for (std::size_t m = 0; m < of_.members.size(); ++m) takers[p] += of_.rack_matches(m, p) ? 1 : 0;
    }
    rest.sort([&](std::size_t a, std::size_t b) { return takers[a] < takers[b]; });
  }

  /// Where in `among` the next member on one of the partition's racks stands, looking from `from` on.
  [[nodiscard]] std::size_t next_on_rack(std::size_t partition, const std::vector<std::size_t>& among,
                                         std::size_t from) const {
    for (std::size_t i = 0; i < among.size(); ++i) {
      const std::size_t at = (from + i) % among.size();
      if (of_.rack_matches(among[at], partition)) return at;
    }
    return among.size();
  }

  void deal_by_rack(std::list<std::size_t>& rest) {
    std::size_t next = 0;
    for (auto at = rest.begin(); at != rest.end();) {
      const std::size_t partition = *at;
      std::size_t member = of_.members.size();
      if (std::size_t i = next_on_rack(partition, below_, next); i < below_.size()) {
        member = below_[i];
        const std::size_t count = out_.given[member].size() + 1;
        if (count >= least_) {
          below_.erase(below_.begin() + static_cast<std::ptrdiff_t>(i));
          if (count < most_ && have_more_ < with_more_) at_least_.push_back(member);
        } else {
          ++i;
        }
        next = below_.empty() ? 0 : i % below_.size();
      } else if (const std::size_t j = next_on_rack(partition, at_least_, 0); j < at_least_.size()) {
        member = at_least_[j];
        if (out_.given[member].size() + 1 == most_) {
          at_least_.erase(at_least_.begin() + static_cast<std::ptrdiff_t>(j));
          count_full();
        }
      }
      if (member == of_.members.size()) {
        ++at;
        continue;
      }
      give(partition, member);
      at = rest.erase(at);
    }
  }

  void deal(const std::list<std::size_t>& rest) {
    std::size_t next = 0;
    for (const std::size_t partition : rest) {
      if (next >= below_.size()) next = 0;
      const bool is_below = !below_.empty();
      MOLDAU_ASSERT(is_below || !at_least_.empty());
      std::size_t member = 0;
      if (is_below) {
        member = below_[next];
      } else {
        member = at_least_.front();
        at_least_.erase(at_least_.begin());
      }
      const std::size_t count = give(partition, member);
      if (is_below) {
        if (count == least_) {
          below_.erase(below_.begin() + static_cast<std::ptrdiff_t>(next));
          at_least_.push_back(member);
        } else {
          ++next;
        }
      }
    }
  }

  std::size_t give(std::size_t partition, std::size_t member) {
    out_.given[member].push_back(partition);
    const auto before = given_up_.find(partition);
    if ((before != given_up_.end() && before->second != member) || of_.claimed_twice.contains(partition)) {
      out_.moving[partition] = member;
    }
    return out_.given[member].size();
  }

  const sticky_problem& of_;
  std::size_t least_ = 0;
  std::size_t most_ = 0;
  /// How many members get one more than the least, and how many have.
  std::size_t with_more_ = 0;
  std::size_t have_more_ = 0;
  std::map<std::size_t, std::size_t> given_up_;
  /// Members that have fewer than the least, and those that have just that and may get one more.
  std::vector<std::size_t> below_;
  std::vector<std::size_t> at_least_;
  sticky_solution out_;
};

}  // namespace

sticky_solution divide_alike(const sticky_problem& of) {
  if (of.members.empty()) return {};
  return alike(of).solve();
}

}  // namespace moldau::client::assignors
