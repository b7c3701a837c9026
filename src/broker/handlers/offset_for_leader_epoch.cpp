#include "broker/handlers.hpp"
#include "broker/partition_calls.hpp"
#include "broker/serve.hpp"
#include "wire/protocol/offset_for_leader_epoch_request.hpp"
#include "wire/protocol/offset_for_leader_epoch_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::offset_for_leader_epoch_request;
using wire::protocol::offset_for_leader_epoch_response;

struct item {
  leader_epoch current = no_leader_epoch;
  leader_epoch wanted = no_leader_epoch;
  offset_for_leader_epoch_response::epoch_end_offset* answer = nullptr;
};

rt::task<void> look_up(replica::partition* partition, item& what) {
  if (partition == nullptr) {
    what.answer->error_code = errc::not_leader_or_follower;
    co_return;
  }
  if (auto known = partition->check_epoch(what.current); !known) {
    what.answer->error_code = known.error().code;
    co_return;
  }
  const storage::epoch_end end = partition->log().end_offset_for_epoch(what.wanted);
  what.answer->leader_epoch = end.epoch;
  what.answer->end_offset = end.end_offset;
}

rt::task<offset_for_leader_epoch_response> act(shard& at, request&, const offset_for_leader_epoch_request& message) {
  offset_for_leader_epoch_response out;
  out.topics.reserve(message.topics.size());
  partition_calls<item> calls(at);
  for (const auto& topic : message.topics) {
    auto& to = out.topics.emplace_back();
    to.topic = topic.topic;
    to.partitions.reserve(topic.partitions.size());
    const topic_view* known = at.find_topic(topic.topic);
    for (const auto& wanted : topic.partitions) {
      auto& answer = to.partitions.emplace_back();
      answer.partition = wanted.partition;
      if (!calls.add(known, wanted.partition, {wanted.current_leader_epoch, wanted.leader_epoch, &answer})) {
        answer.error_code = errc::unknown_topic_or_partition;
      }
    }
  }
  co_await calls.run(look_up);
  co_return out;
}

}  // namespace

rt::task<answer> offset_for_leader_epoch(shard& at, request& what) {
  return serve<offset_for_leader_epoch_request>(at, what, act);
}

}  // namespace moldau::broker
