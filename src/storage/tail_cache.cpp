#include "storage/tail_cache.hpp"

#include <algorithm>
#include <utility>

namespace moldau::storage {

void tail_cache::push(entry batch) {
  const std::uint64_t size = batch.bytes.size();
  if (listed_) {
    budget_.by_last_append_.splice(budget_.by_last_append_.end(), budget_.by_last_append_, place_);
  } else {
    place_ = budget_.by_last_append_.insert(budget_.by_last_append_.end(), this);
    listed_ = true;
  }
  entries_.push_back(std::move(batch));
  bytes_ += size;
  budget_.used_ += size;
  while (bytes_ > budget_.per_log_ && entries_.size() > 1) drop_oldest();
  while (budget_.used_ > budget_.total_) {
    tail_cache* const oldest = budget_.by_last_append_.front();
    // The batch that came just now stays: the next fetch asks for it.
    if (oldest == this && entries_.size() == 1) break;
    oldest->drop_oldest();
  }
}

void tail_cache::drop_oldest() {
  const std::uint64_t size = entries_.front().bytes.size();
  bytes_ -= size;
  budget_.used_ -= size;
  entries_.pop_front();
  if (entries_.empty()) {
    budget_.by_last_append_.erase(place_);
    listed_ = false;
  }
}

void tail_cache::drop_below(offset end) {
  while (!entries_.empty() && entries_.front().last < end) drop_oldest();
}

void tail_cache::clear() {
  while (!entries_.empty()) drop_oldest();
}

const tail_cache::entry* tail_cache::find(offset at) const {
  if (entries_.empty() || at < entries_.front().base || at > entries_.back().last) return nullptr;
  return &*std::ranges::lower_bound(entries_, at, {}, &entry::last);
}

std::size_t tail_cache::index_of(const entry* at) const {
  const auto it = std::ranges::lower_bound(entries_, at->last, {}, &entry::last);
  return static_cast<std::size_t>(it - entries_.begin());
}

}  // namespace moldau::storage
