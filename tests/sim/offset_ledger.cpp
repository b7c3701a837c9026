#include "tests/sim/offset_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace moldau::scenarios {
namespace {

std::string named(const std::string& group, const topic_partition& of) {
  return fmt::format("{} of {}-{}", group, of.topic, of.partition.value());
}

}  // namespace

void offset_ledger::sending(const std::string& group, const topic_partition& of, offset at, std::string metadata,
                            rt::time_point now) {
  offsets_[{group, of}].sent.emplace(std::pair(at, std::move(metadata)), now);
}

void offset_ledger::committed(const std::string& group, const topic_partition& of, offset at) {
  ++committed_;
  auto& known = offsets_[{group, of}].committed;
  known = std::max(known.value_or(at), at);
}

void offset_ledger::in_use(const std::string& group, rt::time_point asked) {
  rt::time_point& known = used_.try_emplace(group, asked).first->second;
  known = std::max(known, asked);
}

offset_ledger::question offset_ledger::asking(const std::string& group, const topic_partition& of) const {
  question out;
  if (const auto known = offsets_.find({group, of}); known != offsets_.end()) out.committed = known->second.committed;
  if (const auto used = used_.find(group); used != used_.end()) out.in_use = used->second;
  return out;
}

void offset_ledger::told(const std::string& group, const topic_partition& of, const question& asked,
                         std::optional<offset> at, std::string_view metadata, rt::time_point now) {
  if (!at) {
    if (!asked.committed || (asked.in_use && now >= *asked.in_use + retention_)) return;
    out_.fail(fmt::format(
        "{}: there is no offset, though {} was committed and the group was in use {} ms ago", named(group, of),
        asked.committed->value(),
        asked.in_use ? std::chrono::duration_cast<std::chrono::milliseconds>(now - *asked.in_use).count() : 0));
    return;
  }
  state& known = offsets_[{group, of}];
  const auto commit = known.sent.find({*at, std::string(metadata)});
  if (commit == known.sent.end()) {
    out_.fail(fmt::format("{}: nobody committed {} with {}", named(group, of), at->value(), metadata));
  } else {
    // It may have had no answer: this is the first that is heard of it.
    in_use(group, commit->second);
  }
  if (asked.committed && *at < *asked.committed) {
    out_.fail(
        fmt::format("{}: the offset went back from {} to {}", named(group, of), asked.committed->value(), at->value()));
  }
  known.committed = std::max(known.committed.value_or(*at), *at);
}

void offset_ledger::told_after_retention(const std::string& group, const topic_partition& of,
                                         std::optional<offset> at) {
  if (at) out_.fail(fmt::format("{}: {} is still there after the retention time", named(group, of), at->value()));
}

offset offset_ledger::fresh(const std::string& group, const topic_partition& of) const {
  const auto known = offsets_.find({group, of});
  return known == offsets_.end() || known->second.sent.empty() ? offset(0)
                                                               : known->second.sent.rbegin()->first.first + 1;
}

}  // namespace moldau::scenarios
