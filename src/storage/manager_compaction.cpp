#include <algorithm>
#include <utility>

#include "storage/file_names.hpp"
#include "storage/log_manager.hpp"
#include "storage/manager_internal.hpp"

namespace moldau::storage {

// One log at a time, so that the offset maps together stay within their bound.

rt::task<void> log_manager::compact_all() {
  for (const auto& directory : directories_) {
    while (!stopping_ && !directory->failed && co_await compact_dirtiest(directory->index)) {
    }
  }
}

rt::task<bool> log_manager::compact_dirtiest(std::size_t directory) {
  directory_state& in = *directories_[directory];
  struct candidate {
    topic_id_partition key;
    topic_partition partition;
    unsigned core = 0;
    log::compaction_need need;
  };
  std::optional<candidate> dirtiest;
  for (unsigned i = 0; i < cores_.size(); ++i) {
    std::vector<std::pair<topic_id_partition, topic_partition>> here;
    for (const auto& [key, one] : known_) {
      if (one.core == i && one.directory == directory) here.emplace_back(key, one.partition);
    }
    std::ranges::sort(here);
    co_await world_.call_on(i, [&, i]() -> rt::task<void> {
      for (const auto& [key, partition] : here) {
        log* const one = find(i, key);
        if (one == nullptr || !one->options().cleanup_compact) continue;
        const auto cleaned = in.cleaner_offsets.find(partition);
        const auto need =
            co_await one->compaction_needed(cleaned == in.cleaner_offsets.end() ? offset(0) : cleaned->second);
        if (!need || !need->due) continue;
        if (dirtiest && dirtiest->need.dirty_ratio() >= need->dirty_ratio()) continue;
        dirtiest = candidate{.key = key, .partition = partition, .core = i, .need = *need};
      }
    });
  }
  if (!dirtiest) co_return false;
  const auto reached = co_await world_.call_on(dirtiest->core, [&]() -> rt::task<result<offset>> {
    log* const one = find(dirtiest->core, dirtiest->key);
    if (one == nullptr) co_return fail(errc::closed);
    co_return co_await one->compact(dirtiest->need);
  });
  if (!reached && reached.error().code == errc::closed) co_return false;
  if (!reached) {
    // Where there is no room, or a segment is damaged, the log is as it was. A disk that fails fails appends, too.
    if (reached.error().code == errc::io_error) directory_failed(directory, reached.error());
    world_.log().warn("{}-{} could not be compacted: {}", dirtiest->partition.topic,
                      dirtiest->partition.partition.value(), reached.error().message);
    co_return false;
  }
  in.cleaner_offsets[dirtiest->partition] = *reached;
  const auto written = co_await world_.offload([&] {
    return write_offset_checkpoint(world_.files(), rt::join_path(in.path, names::cleaner_offsets), in.cleaner_offsets);
  });
  if (!written) directory_failed(directory, written.error());
  co_return *reached > dirtiest->need.first_dirty;
}

}  // namespace moldau::storage
