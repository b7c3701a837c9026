#include "testing/fake_broker/fetch_sessions.hpp"

#include <algorithm>

namespace moldau::testing::fake {
namespace {

constexpr std::int32_t no_session_epoch = -1;

bool is_same(const wanted_partition& a, const wanted_partition& b) {
  return a.topic == b.topic && a.id == b.id && a.index == b.index;
}

}  // namespace

fetch_sessions::opened fetch_sessions::open(std::int32_t id, std::int32_t session_epoch,
                                            std::vector<wanted_partition> named,
                                            const std::vector<wanted_partition>& forgotten) {
  if (session_epoch == no_session_epoch) {
    sessions_.erase(id);
    return {.partitions = std::move(named)};
  }
  if (session_epoch == 0) {
    sessions_.erase(id);
    const std::int32_t fresh = next_id_++;
    sessions_[fresh] = {.epoch = 1, .partitions = named};
    return {.id = fresh, .partitions = std::move(named)};
  }
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return {.code = errc::fetch_session_id_not_found};
  session& here = found->second;
  if (session_epoch != here.epoch) return {.code = errc::invalid_fetch_session_epoch};
  here.epoch = here.epoch == INT32_MAX ? 1 : here.epoch + 1;
  for (const wanted_partition& gone : forgotten) {
    std::erase_if(here.partitions, [&](const wanted_partition& one) { return is_same(one, gone); });
  }
  for (wanted_partition& now : named) {
    const auto known =
        std::ranges::find_if(here.partitions, [&](const wanted_partition& one) { return is_same(one, now); });
    if (known == here.partitions.end()) {
      here.partitions.push_back(std::move(now));
    } else {
      now.told_high_watermark = known->told_high_watermark;
      now.told_start = known->told_start;
      *known = std::move(now);
    }
  }
  return {.id = id, .incremental = true, .partitions = here.partitions};
}

void fetch_sessions::told(std::int32_t id, const wanted_partition& what, offset high_watermark, offset start) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  for (wanted_partition& one : found->second.partitions) {
    if (!is_same(one, what)) continue;
    one.told_high_watermark = high_watermark;
    one.told_start = start;
  }
}

}  // namespace moldau::testing::fake
