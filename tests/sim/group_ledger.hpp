#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

/// Checks one consumer group by what its members were told: a committed offset never goes back by itself, no partition
/// has two owners in one generation, and a member reads what it owns, from where the group was, without a gap.
///
/// A member is one life of one consumer; a new process or a new consumer is another member. Records don't expire.
class group_ledger {
 public:
  explicit group_ledger(verdict& out) : out_(out) {}

  // What members are told of what is theirs.
  void assigned(const std::string& member, const std::vector<topic_partition>& what);
  void revoked(const std::string& member, const std::vector<topic_partition>& what);
  /// That member owned `what` all along from some moment of this generation until now.
  void owned_in(const std::string& member, std::int32_t generation, const std::vector<topic_partition>& what);
  /// It doesn't run any more.
  void died(const std::string& member);
  /// Changes with everything that changes what is the member's.
  [[nodiscard]] std::uint64_t changes(const std::string& member) const;
  [[nodiscard]] std::vector<topic_partition> owned(const std::string& member) const;

  /// The member was given the records from `first` up to before `next`.
  void delivered(const std::string& member, const topic_partition& of, offset first, offset next);

  /// A commit is on its way; it may come to pass from now on, at any time, until it is known.
  void commit_begins(const topic_partition& of, offset at);
  void commit_done(const topic_partition& of, offset at);
  /// How far the group is certain to be, asked before a question for the committed offset is sent.
  [[nodiscard]] offset certain(const topic_partition& of) const;
  /// The answer to a question that was sent when the group was certain to be at `certain`; nothing for no offset.
  void told_committed(const topic_partition& of, offset certain, std::optional<offset> at);

  /// Every record up to before it has been delivered to some member.
  [[nodiscard]] offset delivered_to(const topic_partition& of) const;
  [[nodiscard]] std::size_t commits() const { return commits_; }

 private:
  struct partition {
    /// Whatever a member has tried to commit.
    std::set<offset> tried;
    /// Those that got no answer: they may come to pass late.
    std::set<offset> open;
    offset certain{0};
    /// Whose it is in each generation.
    std::map<std::int32_t, std::string> owners;
    /// What was delivered beyond where all has been: begin and end.
    std::map<offset, offset> ahead;
    offset delivered{0};
  };
  struct member {
    /// The next record; nothing before the first.
    std::map<topic_partition, std::optional<offset>> owns;
    std::uint64_t changes = 0;
  };

  [[nodiscard]] bool may_stand_at(const partition& in, offset certain, offset at) const;

  verdict& out_;
  std::map<topic_partition, partition> partitions_;
  std::map<std::string, member> members_;
  std::size_t commits_ = 0;
};

}  // namespace moldau::scenarios
