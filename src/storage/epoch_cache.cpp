#include "storage/epoch_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/checkpoint_file.hpp"

namespace moldau::storage {

result<epoch_cache> epoch_cache::parse(std::string_view content) {
  MOLDAU_TRY_ASSIGN(const auto rows, parse_checkpoint(content));
  epoch_cache out;
  for (const auto& row : rows) {
    const auto numbers = split_numbers(row);
    if (numbers.size() != 2 || !std::in_range<std::int32_t>(numbers[0]))
      return fail(errc::malformed, fmt::format("leader-epoch-checkpoint has the line '{}'", row));
    out.assign(leader_epoch(static_cast<std::int32_t>(numbers[0])), offset(numbers[1]));
  }
  return out;
}

std::string epoch_cache::encode() const {
  std::string out = fmt::format("0\n{}\n", entries_.size());
  for (const epoch_entry& e : entries_) out += fmt::format("{} {}\n", e.epoch.value(), e.start_offset.value());
  return out;
}

bool epoch_cache::assign(leader_epoch epoch, offset start) {
  if (epoch < leader_epoch(0) || start < offset(0)) return false;
  if (!entries_.empty()) {
    const epoch_entry& last = entries_.back();
    if (last.epoch == epoch && start >= last.start_offset) return false;
  }
  while (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start_offset >= start)) {
    entries_.pop_back();
  }
  entries_.push_back({.epoch = epoch, .start_offset = start});
  return true;
}

std::optional<leader_epoch> epoch_cache::latest() const {
  return entries_.empty() ? std::nullopt : std::optional(entries_.back().epoch);
}

leader_epoch epoch_cache::epoch_for(offset at) const {
  auto above = std::ranges::upper_bound(entries_, at, {}, &epoch_entry::start_offset);
  return above == entries_.begin() ? no_leader_epoch : std::prev(above)->epoch;
}

epoch_end epoch_cache::end_offset_for(leader_epoch requested, offset log_end) const {
  if (entries_.empty() || requested < leader_epoch(0)) return {};
  if (requested == entries_.back().epoch) return {.epoch = requested, .end_offset = log_end};
  auto above = std::ranges::upper_bound(entries_, requested, {}, &epoch_entry::epoch);
  // An epoch this replica hasn't heard of.
  if (above == entries_.end()) return {};
  // Older than everything known: the answer is where the known begins, under the asked epoch.
  if (above == entries_.begin()) return {.epoch = requested, .end_offset = above->start_offset};
  return {.epoch = std::prev(above)->epoch, .end_offset = above->start_offset};
}

std::optional<offset> epoch_cache::start_of(leader_epoch epoch) const {
  const auto at = std::ranges::find(entries_, epoch, &epoch_entry::epoch);
  return at == entries_.end() ? std::nullopt : std::optional(at->start_offset);
}

bool epoch_cache::truncate_from_end(offset end) {
  const auto before = entries_.size();
  while (!entries_.empty() && entries_.back().start_offset >= end) entries_.pop_back();
  return entries_.size() != before;
}

bool epoch_cache::truncate_from_start(offset start) {
  auto above = std::ranges::upper_bound(entries_, start, {}, &epoch_entry::start_offset);
  if (above == entries_.begin()) return false;
  const auto holding = std::prev(above);
  if (holding == entries_.begin() && holding->start_offset == start) return false;
  holding->start_offset = start;
  entries_.erase(entries_.begin(), holding);
  return true;
}

bool epoch_cache::clear() {
  const bool had = !entries_.empty();
  entries_.clear();
  return had;
}

}  // namespace moldau::storage
