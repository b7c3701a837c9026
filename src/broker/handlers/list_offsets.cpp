#include <vector>

#include "broker/handlers.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "wire/protocol/list_offsets_request.hpp"
#include "wire/protocol/list_offsets_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::list_offsets_request;
using wire::protocol::list_offsets_response;

// Timestamps that mean something else.
constexpr std::int64_t latest = -1;
constexpr std::int64_t earliest = -2;
constexpr std::int64_t max_timestamp = -3;            // KIP-734
constexpr std::int64_t earliest_local = -4;           // KIP-405
constexpr std::int64_t latest_tiered = -5;            // KIP-1005
constexpr std::int64_t earliest_pending_upload = -6;  // KIP-1023

/// From which version on a special timestamp may be asked for.
std::int16_t first_version_of(std::int64_t timestamp) {
  switch (timestamp) {
    case max_timestamp:
      return 7;
    case earliest_local:
      return 8;
    case latest_tiered:
      return 9;
    case earliest_pending_upload:
      return 11;
    default:
      return 1;
  }
}

using partition_response = list_offsets_response::list_offsets_partition_response;

struct lookup {
  topic_id_partition id;
  std::int64_t timestamp = 0;
  leader_epoch current_epoch = no_leader_epoch;
  partition_response* answer = nullptr;
};

void found(partition_response& answer, offset at, std::int64_t timestamp, leader_epoch epoch) {
  answer.offset = at;
  answer.timestamp = timestamp;
  answer.leader_epoch = epoch;
}

rt::task<void> look_up(shard& there, const lookup& what, replica::isolation level) {
  replica::partition* held = there.find_partition(what.id);
  if (held == nullptr) {
    what.answer->error_code = errc::not_leader_or_follower;
    co_return;
  }
  const replica::partition::use partition(*held);
  if (auto known = partition->check_epoch(what.current_epoch); !known) {
    what.answer->error_code = known.error().code;
    co_return;
  }
  storage::log& log = partition->log();
  const auto epoch_at = [&](offset at) { return log.epochs().epoch_for(at); };
  switch (what.timestamp) {
    case latest:
      found(*what.answer, partition->readable_end(level), -1, partition->epoch());
      co_return;
    case earliest:
    case earliest_local:
      found(*what.answer, log.log_start(), -1, epoch_at(log.log_start()));
      co_return;
    case latest_tiered:
    case earliest_pending_upload:
      // Nothing is tiered.
      co_return;
    default:
      break;
  }
  auto hit = what.timestamp == max_timestamp ? co_await log.offset_of_max_timestamp()
                                             : co_await log.offset_for_timestamp(what.timestamp);
  if (!hit) {
    what.answer->error_code = hit.error().code;
    co_return;
  }
  // What consumers can't read yet isn't there for them.
  if (*hit && (*hit)->offset < partition->readable_end(level)) {
    found(*what.answer, (*hit)->offset, (*hit)->timestamp_ms, (*hit)->leader_epoch);
  }
}

rt::task<list_offsets_response> act(shard& at, request& what, const list_offsets_request& message) {
  list_offsets_response out;
  out.topics.reserve(message.topics.size());
  std::vector<std::vector<lookup>> of_core(at.world().core_count());
  for (const auto& topic : message.topics) {
    auto& to = out.topics.emplace_back();
    to.name = topic.name;
    to.partitions.reserve(topic.partitions.size());
    const topic_view* known = at.find_topic(topic.name);
    for (const auto& wanted : topic.partitions) {
      auto& answer = to.partitions.emplace_back();
      answer.partition_index = wanted.partition_index;
      if (known == nullptr || !known->has_partition(wanted.partition_index)) {
        answer.error_code = errc::unknown_topic_or_partition;
      } else if (wanted.timestamp < earliest_pending_upload || what.api_version < first_version_of(wanted.timestamp)) {
        answer.error_code = errc::unsupported_version;
      } else {
        const topic_id_partition id{known->id, wanted.partition_index};
        of_core[at.core_of(id)].push_back({id, wanted.timestamp, wanted.current_leader_epoch, &answer});
      }
    }
  }
  const auto level = static_cast<replica::isolation>(message.isolation_level);
  for (unsigned core = 0; core < of_core.size(); ++core) {
    if (of_core[core].empty()) continue;
    co_await at.world().call_on(core, [&]() -> rt::task<void> {
      shard& there = at.on_core(core);
      for (const lookup& one : of_core[core]) co_await look_up(there, one, level);
    });
  }
  // The epoch came with version 4, and an older response can't hold one.
  if (what.api_version < 4) {
    for (auto& topic : out.topics) {
      for (auto& partition : topic.partitions) partition.leader_epoch = no_leader_epoch;
    }
  }
  co_return out;
}

}  // namespace

rt::task<answer> list_offsets(shard& at, request& what) {
  return serve<list_offsets_request>(at, what, act);
}

}  // namespace moldau::broker
