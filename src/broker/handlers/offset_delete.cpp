#include <vector>

#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/offset_delete_request.hpp"
#include "wire/protocol/offset_delete_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::offset_delete_request;
using wire::protocol::offset_delete_response;

rt::task<offset_delete_response> act(shard& at, request&, const offset_delete_request& message) {
  offset_delete_response out;
  out.topics.reserve(message.topics.size());
  coord::delete_offsets_request wanted{.group = message.group_id, .partitions = {}};
  std::vector<errc*> answers;
  for (const auto& topic : message.topics) {
    auto& to = out.topics.emplace_back();
    to.name = topic.name;
    to.partitions.reserve(topic.partitions.size());
    const topic_view* known = at.find_topic(topic.name);
    for (const auto& one : topic.partitions) {
      auto& answer = to.partitions.emplace_back();
      answer.partition_index = one.partition_index;
      if (known == nullptr || !known->has_partition(one.partition_index)) {
        answer.error_code = errc::unknown_topic_or_partition;
        continue;
      }
      wanted.partitions.emplace_back(topic.name, one.partition_index);
      answers.push_back(&answer.error_code);
    }
  }
  const auto done = co_await ask_group<coord::commit_result>(
      at, message.group_id, [&](auto& coordinator, coord::instant now, coord::reply<coord::commit_result> reply) {
        coordinator.delete_offsets(wanted, now, std::move(reply));
      });
  out.error_code = done ? done->error : done.error().code;
  if (out.error_code != errc::none) {
    out.topics.clear();
    co_return out;
  }
  for (std::size_t i = 0; i < answers.size(); ++i) *answers[i] = done->offsets[i];
  co_return out;
}

}  // namespace

rt::task<answer> offset_delete(shard& at, request& what) {
  return serve<offset_delete_request>(at, what, act);
}

}  // namespace moldau::broker
