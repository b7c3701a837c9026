#pragma once

#include <utility>
#include <vector>

#include "broker/shard.hpp"

namespace moldau::broker {

/// Sorts per-partition work by the core that each partition lives on and does it there, one core after another.
///
/// `Item` is whatever the handler needs; it stays in the handler's frame, and so do the answers that it points to.
template <typename Item>
class partition_calls {
 public:
  explicit partition_calls(shard& at) : at_(at), of_core_(at.world().core_count()) {}

  /// Looks the partition up by name. False if there is none: the handler answers `unknown_topic_or_partition`.
  bool add(const topic_view* topic, partition_id partition, Item item) {
    if (topic == nullptr || !topic->has_partition(partition)) return false;
    const topic_id_partition id{topic->id, partition};
    of_core_[at_.core_of(id)].emplace_back(id, std::move(item));
    return true;
  }

  /// Calls `act(partition, item)`, a task, for each; `partition` is null where this broker doesn't lead it.
  template <typename Act>
  rt::task<void> run(Act act) {
    for (unsigned core = 0; core < of_core_.size(); ++core) {
      if (of_core_[core].empty()) continue;
      co_await at_.world().call_on(core, [&, core]() -> rt::task<void> {
        shard& there = at_.on_core(core);
        for (auto& [id, item] : of_core_[core]) {
          replica::partition* found = there.find_partition(id);
          if (found == nullptr) {
            co_await act(nullptr, item);
          } else {
            const replica::partition::use held(*found);
            co_await act(found, item);
          }
        }
      });
    }
  }

 private:
  shard& at_;
  std::vector<std::vector<std::pair<topic_id_partition, Item>>> of_core_;
};

}  // namespace moldau::broker
