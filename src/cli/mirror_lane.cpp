#include <algorithm>
#include <functional>

#include "cli/mirror.hpp"

namespace moldau::cli::mirroring {

namespace {

std::uint64_t mixed(std::uint64_t with, std::uint64_t value) {
  with ^= value + 0x9e3779b97f4a7c15 + (with << 6) + (with >> 2);
  return with * 0xff51afd7ed558ccd;
}

std::uint64_t mixed(std::uint64_t with, const std::optional<bytes_view>& bytes) {
  if (!bytes) return mixed(with, std::uint64_t{0x6e756c6c});
  return mixed(mixed(with, std::uint64_t{bytes->size()}), std::hash<std::string_view>{}(as_text(*bytes)));
}

/// Of all that a copy keeps.
std::uint64_t fingerprint(const record_view& record) {
  std::uint64_t out = mixed(0, static_cast<std::uint64_t>(record.timestamp_ms));
  out = mixed(mixed(out, record.key), record.value);
  for (const header_view& header : record.headers) {
    out = mixed(mixed(out, std::hash<std::string_view>{}(header.key)), header.value);
  }
  return out;
}

}  // namespace

void copied_tail::add(const record_view& record) {
  ++counts_[fingerprint(record)];
  ++left_;
}

bool copied_tail::take(const record_view& record) {
  const auto found = counts_.find(fingerprint(record));
  if (found == counts_.end()) return false;
  if (--found->second == 0) counts_.erase(found);
  --left_;
  return true;
}

void copied_tail::clear() {
  counts_.clear();
  left_ = 0;
}

void lane::move_to(offset position) {
  position_ = position;
  const std::lock_guard held(mutex_);
  marks_.push_back({sent_, position});
  settle();
}

void lane::set_tail(copied_tail tail, offset target_end, offset until) {
  tail_ = std::move(tail);
  tail_end_ = target_end;
  tail_until_ = until;
}

void lane::sent(std::size_t bytes) {
  ++sent_;
  bytes_ += bytes;
}

void lane::finished_batch(offset next) {
  position_ = std::max(position_, next);
  // What the copy held came from below that: whatever is left there was never this source's.
  if (position_ >= tail_until_) tail_.clear();
  const std::lock_guard held(mutex_);
  marks_.push_back({sent_, position_});
  settle();
}

void lane::delivered(offset at) {
  const std::lock_guard held(mutex_);
  ++delivered_;
  if (at >= offset(0)) last_target_end_ = at + 1;
  settle();
}

/// The resume point moves only to ends of batches, where what was sent and what was skipped is known on both sides.
void lane::settle() {
  while (!marks_.empty() && marks_.front().sent <= delivered_) {
    reached_.source_next = marks_.front().next;
    reached_.target_end = std::max(reached_.target_end, last_target_end_);
    marks_.pop_front();
  }
}

resume_point lane::reached() {
  const std::lock_guard held(mutex_);
  if (marks_.empty() && tail_.empty()) reached_.target_end = std::max(reached_.target_end, tail_end_);
  return reached_;
}

}  // namespace moldau::cli::mirroring
