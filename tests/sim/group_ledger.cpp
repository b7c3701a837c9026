#include "tests/sim/group_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::scenarios {
namespace {

std::string named(const topic_partition& of) {
  return fmt::format("{}-{}", of.topic, of.partition.value());
}

}  // namespace

void group_ledger::assigned(const std::string& member, const std::vector<topic_partition>& what) {
  auto& who = members_[member];
  ++who.changes;
  for (const auto& one : what) {
    if (!who.owns.emplace(one, std::nullopt).second) {
      out_.fail(fmt::format("{} is given {}, which it has", member, named(one)));
    }
  }
}

void group_ledger::revoked(const std::string& member, const std::vector<topic_partition>& what) {
  auto& who = members_[member];
  ++who.changes;
  for (const auto& one : what) {
    if (who.owns.erase(one) == 0)
      out_.fail(fmt::format("{} has to give {} up, which it doesn't have", member, named(one)));
  }
}

void group_ledger::died(const std::string& member) {
  members_.erase(member);
}

std::uint64_t group_ledger::changes(const std::string& member) const {
  const auto who = members_.find(member);
  return who == members_.end() ? 0 : who->second.changes;
}

std::vector<topic_partition> group_ledger::owned(const std::string& member) const {
  std::vector<topic_partition> out;
  if (const auto who = members_.find(member); who != members_.end()) {
    for (const auto& [one, next] : who->second.owns) out.push_back(one);
  }
  return out;
}

void group_ledger::owned_in(const std::string& member, std::int32_t generation,
                            const std::vector<topic_partition>& what) {
  for (const auto& one : what) {
    const auto [owner, fresh] = partitions_[one].owners.emplace(generation, member);
    if (!fresh && owner->second != member) {
      out_.fail(
          fmt::format("{} has two owners in generation {}: {} and {}", named(one), generation, owner->second, member));
    }
  }
}

bool group_ledger::may_stand_at(const partition& in, offset certain, offset at) const {
  if (in.open.contains(at)) return true;
  return at >= certain && (at == offset(0) || in.tried.contains(at));
}

void group_ledger::delivered(const std::string& member, const topic_partition& of, offset first, offset next) {
  const auto who = members_.find(member);
  const auto mine =
      who == members_.end() ? std::map<topic_partition, std::optional<offset>>::iterator() : who->second.owns.find(of);
  if (who == members_.end() || mine == who->second.owns.end()) {
    out_.fail(fmt::format("{} is given records of {}, which isn't its own", member, named(of)));
    return;
  }
  partition& in = partitions_[of];
  std::optional<offset>& expected = mine->second;
  if (expected && *expected != first) {
    out_.fail(fmt::format("{} reads {} at {} after it has read up to {}", member, named(of), first.value(),
                          expected->value()));
  }
  // Where it begins it may stand before what is certain by now, as its question may be older; but not beyond.
  if (!expected && first != offset(0) && !in.tried.contains(first)) {
    out_.fail(fmt::format("{} begins {} at {}, where the group never was", member, named(of), first.value()));
  }
  expected = next;
  offset& end = in.ahead[first];
  end = std::max(end, next);
  for (auto one = in.ahead.begin(); one != in.ahead.end() && one->first <= in.delivered;) {
    in.delivered = std::max(in.delivered, one->second);
    one = in.ahead.erase(one);
  }
}

void group_ledger::commit_begins(const topic_partition& of, offset at) {
  partition& in = partitions_[of];
  in.tried.insert(at);
  in.open.insert(at);
}

void group_ledger::commit_done(const topic_partition& of, offset at) {
  partition& in = partitions_[of];
  ++commits_;
  in.open.erase(at);
  in.certain = std::max(in.certain, at);
}

offset group_ledger::certain(const topic_partition& of) const {
  const auto found = partitions_.find(of);
  return found == partitions_.end() ? offset(0) : found->second.certain;
}

void group_ledger::told_committed(const topic_partition& of, offset certain, std::optional<offset> at) {
  partition& in = partitions_[of];
  if (!at) {
    if (certain > offset(0)) {
      out_.fail(fmt::format("{}: the group has lost its offset, which was {}", named(of), certain.value()));
    }
    return;
  }
  if (!may_stand_at(in, certain, *at)) {
    out_.fail(
        fmt::format("{}: the group's offset is {}, where {} was committed", named(of), at->value(), certain.value()));
  }
}

offset group_ledger::delivered_to(const topic_partition& of) const {
  const auto found = partitions_.find(of);
  return found == partitions_.end() ? offset(0) : found->second.delivered;
}

}  // namespace moldau::scenarios
