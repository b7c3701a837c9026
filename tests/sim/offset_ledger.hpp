#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/world.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

/// Checks committed offsets: what a group was told to have committed never goes back, and goes away only when the group
/// has been out of use for the retention time.
///
/// A group's members commit rising offsets: each goes on from what it was told when it got the partition. Whoever
/// didn't hear whether a commit was taken gives up its membership, so that the commit can't come late.
class offset_ledger {
 public:
  offset_ledger(verdict& out, rt::duration retention) : out_(out), retention_(retention) {}

  /// A commit is on its way; its metadata tell it from all others. All times are of one clock.
  void sending(const std::string& group, const topic_partition& of, offset at, std::string metadata,
               rt::time_point now);
  /// It was taken.
  void committed(const std::string& group, const topic_partition& of, offset at);
  /// The group was in use when this was asked, as the answer says: it had that member, or took its commit.
  void in_use(const std::string& group, rt::time_point asked);

  /// What was known when a question was sent.
  struct question {
    std::optional<offset> committed;
    std::optional<rt::time_point> in_use;
  };
  [[nodiscard]] question asking(const std::string& group, const topic_partition& of) const;
  /// The answer, nothing if no offset is there, and when it came.
  void told(const std::string& group, const topic_partition& of, const question& asked, std::optional<offset> at,
            std::string_view metadata, rt::time_point now);
  /// The group has been out of use for so long that this should be nothing.
  void told_after_retention(const std::string& group, const topic_partition& of, std::optional<offset> at);

  /// The next offset that nobody has sent.
  [[nodiscard]] offset fresh(const std::string& group, const topic_partition& of) const;
  [[nodiscard]] std::size_t committed_count() const { return committed_; }

 private:
  struct state {
    /// And when.
    std::map<std::pair<offset, std::string>, rt::time_point> sent;
    std::optional<offset> committed;
  };
  using key = std::pair<std::string, topic_partition>;

  verdict& out_;
  rt::duration retention_;
  std::map<key, state> offsets_;
  std::map<std::string, rt::time_point> used_;
  std::size_t committed_ = 0;
};

}  // namespace moldau::scenarios
