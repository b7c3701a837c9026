#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "coord/utf16.hpp"

namespace moldau::broker {

/// The partition of `__consumer_offsets` that a group's coordinator stands for.
[[nodiscard]] inline std::optional<topic_id_partition> place_of_group(shard& at, std::string_view group) {
  const topic_view* topic = at.find_topic(offsets_topic);
  if (topic == nullptr || topic->partitions <= 0) return std::nullopt;
  return topic_id_partition{topic->id, partition_id(coord::partition_of_key(group, topic->partitions))};
}

/// Carries a request to the coordinator of `group`, on whichever core it lives, and its reply back:
/// `co_await ask_group<coord::join_result>(at, group, [&](auto& coordinator, coord::instant now, auto reply) {…})`.
///
/// What `act` views must stay where it is until the answer has come, which it does in a request handler's frame.
/// Errors: `not_coordinator`, `coordinator_load_in_progress`.
template <typename Result, typename Act>
rt::task<result<Result>> ask_group(shard& at, std::string_view group, Act act) {
  const auto place = place_of_group(at, group);
  if (!place) co_return fail(errc::not_coordinator, "There are no groups on this broker yet.");
  const unsigned core = at.core_of(*place);
  shard& there = at.on_core(core);
  co_return co_await at.world().call_on(core,
                                        [&] { return there.groups().call<Result>(place->partition, std::move(act)); });
}

/// Keeps what a response's strings and bytes view alive until it is encoded.
template <typename T>
const T& keep(request& what, T value) {
  auto kept = std::make_shared<const T>(std::move(value));
  const T& out = *kept;
  what.keep_alive = std::move(kept);
  return out;
}

}  // namespace moldau::broker
