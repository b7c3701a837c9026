#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"

namespace moldau::storage {

class tail_cache;

/// How much memory one core's tail caches may take together; the log that was appended to longest ago gives first.
/// Lives on one core and outlives its caches.
class tail_budget {
 public:
  tail_budget(std::uint64_t total_bytes, std::uint64_t bytes_per_log) : total_(total_bytes), per_log_(bytes_per_log) {}
  tail_budget(const tail_budget&) = delete;
  tail_budget& operator=(const tail_budget&) = delete;

  [[nodiscard]] std::uint64_t used_bytes() const { return used_; }

 private:
  friend tail_cache;
  const std::uint64_t total_;
  const std::uint64_t per_log_;
  std::uint64_t used_ = 0;
  std::list<tail_cache*> by_last_append_;
};

/// The newest batches of one log, contiguous up to its end, so that readers near the tail never touch the file.
/// Lives on its log's core.
class tail_cache {
 public:
  struct entry {
    offset base;
    offset last;
    /// Where the batch lies in its segment.
    std::uint64_t position = 0;
    offset segment_base;
    shared_bytes bytes;
  };

  explicit tail_cache(tail_budget& budget) : budget_(budget) {}
  tail_cache(const tail_cache&) = delete;
  tail_cache& operator=(const tail_cache&) = delete;
  ~tail_cache() { clear(); }

  /// Takes the batch that was appended just now.
  void push(entry batch);
  /// Forgets the batches below `end`, which compaction has gone over.
  void drop_below(offset end);
  /// Forgets everything, as truncation asks.
  void clear();

  /// The entry that holds `at`, or where there is a gap (a compacted or follower log) the first above it; null if that
  /// isn't here.
  [[nodiscard]] const entry* find(offset at) const;
  /// The entries from `find`'s on.
  [[nodiscard]] const std::deque<entry>& entries() const { return entries_; }
  [[nodiscard]] std::size_t index_of(const entry* at) const;

 private:
  void drop_oldest();

  tail_budget& budget_;
  std::deque<entry> entries_;
  std::uint64_t bytes_ = 0;
  std::list<tail_cache*>::iterator place_{};
  bool listed_ = false;
};

}  // namespace moldau::storage
