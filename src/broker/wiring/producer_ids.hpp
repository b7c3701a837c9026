#pragma once

#include <cstdint>
#include <functional>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"
#include "storage/async_mutex.hpp"

namespace moldau::broker {

/// Hands out producer ids from blocks that the controller gives (KIP-730), so that an id is never given twice, not even
/// over restarts. Lives on core 0.
class producer_ids {
 public:
  struct block {
    producer_id first;
    std::int32_t size = 0;
  };
  using allocator = std::function<rt::task<result<block>>()>;

  producer_ids(rt::world& world, allocator more) : more_(std::move(more)), allocating_(world) {}

  /// Errors: `coordinator_load_in_progress`, with the controller's words. Kafka's producers ask again
  /// when they hear it, and end for good with most others.
  [[nodiscard]] rt::task<result<producer_id>> next();

 private:
  allocator more_;
  storage::async_mutex allocating_;
  producer_id next_{0};
  producer_id end_{0};
};

}  // namespace moldau::broker
