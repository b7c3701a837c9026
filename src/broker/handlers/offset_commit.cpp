#include <vector>

#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/offset_commit_request.hpp"
#include "wire/protocol/offset_commit_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::offset_commit_request;
using wire::protocol::offset_commit_response;

/// From here on topics go by id.
constexpr std::int16_t topic_ids_since = 10;

rt::task<offset_commit_response> act(shard& at, request& what, const offset_commit_request& message) {
  const bool by_id = what.api_version >= topic_ids_since;
  std::size_t partitions = 0;
  for (const auto& topic : message.topics) partitions += topic.partitions.size();
  std::vector<coord::offset_to_commit> offsets;
  std::vector<errc*> answers;
  offsets.reserve(partitions);
  answers.reserve(partitions);
  offset_commit_response out;
  out.topics.reserve(message.topics.size());
  for (const auto& topic : message.topics) {
    auto& to = out.topics.emplace_back();
    to.name = topic.name;
    to.topic_id = topic.topic_id;
    to.partitions.reserve(topic.partitions.size());
    const topic_view* known = by_id ? at.find_topic(topic.topic_id) : at.find_topic(topic.name);
    const std::string_view name = known == nullptr ? std::string_view() : what.arena.store(known->name);
    for (const auto& one : topic.partitions) {
      auto& answer = to.partitions.emplace_back();
      answer.partition_index = one.partition_index;
      if (known == nullptr && by_id) {
        answer.error_code = errc::unknown_topic_id;
      } else if (known == nullptr || !known->has_partition(one.partition_index)) {
        answer.error_code = errc::unknown_topic_or_partition;
      } else {
        offsets.push_back({.topic = name,
                           .id = known->id,
                           .partition = one.partition_index,
                           .offset = one.committed_offset,
                           .epoch = one.committed_leader_epoch,
                           .metadata = one.committed_metadata});
        answers.push_back(&answer.error_code);
      }
    }
  }
  if (offsets.empty()) co_return out;
  const coord::commit_request wanted{.group = message.group_id,
                                     .generation = message.generation_id_or_member_epoch,
                                     .member_id = message.member_id,
                                     .instance_id = message.group_instance_id,
                                     .retention_ms = message.retention_time_ms,
                                     .offsets = offsets};
  const coord::caller from{what.api_version, what.client_id, what.peer->host};
  const auto done = co_await ask_group<coord::commit_result>(
      at, message.group_id, [&](auto& coordinator, coord::instant now, coord::reply<coord::commit_result> reply) {
        coordinator.commit_offsets(wanted, from, now, std::move(reply));
      });
  const errc whole = done ? done->error : done.error().code;
  for (std::size_t i = 0; i < answers.size(); ++i) *answers[i] = whole == errc::none ? done->offsets[i] : whole;
  co_return out;
}

}  // namespace

rt::task<answer> offset_commit(shard& at, request& what) {
  return serve<offset_commit_request>(at, what, act);
}

}  // namespace moldau::broker
