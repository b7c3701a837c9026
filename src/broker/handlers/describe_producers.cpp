#include <set>
#include <string_view>
#include <utility>

#include "base/topic_name.hpp"
#include "broker/handlers.hpp"
#include "broker/partition_calls.hpp"
#include "broker/serve.hpp"
#include "wire/protocol/describe_producers_request.hpp"
#include "wire/protocol/describe_producers_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::describe_producers_request;
using wire::protocol::describe_producers_response;

struct item {
  describe_producers_response::partition_response* answer = nullptr;
};

rt::task<void> describe(replica::partition* partition, item& what) {
  if (partition == nullptr) {
    what.answer->error_code = errc::not_leader_or_follower;
    co_return;
  }
  for (const storage::producer_description& one : partition->log().describe_producers()) {
    auto& to = what.answer->active_producers.emplace_back();
    to.producer_id = one.producer_id;
    to.producer_epoch = one.producer_epoch.value();
    to.last_sequence = one.last_sequence;
    to.last_timestamp = one.last_timestamp_ms;
    to.coordinator_epoch = one.coordinator_epoch;
    to.current_txn_start_offset = one.current_txn_start_offset;
  }
}

rt::task<describe_producers_response> act(shard& at, request& what, const describe_producers_request& message) {
  describe_producers_response out;
  out.topics.reserve(message.topics.size());
  partition_calls<item> calls(at);
  // Once each: what one partition has to tell may be many times what it takes to name it.
  std::set<std::pair<std::string_view, partition_id>> seen;
  for (const auto& topic : message.topics) {
    auto& to = out.topics.emplace_back();
    to.name = topic.name;
    to.partitions.reserve(topic.partition_indexes.size());
    const auto mistake = base::topic_name_mistake(topic.name);
    const topic_view* known = mistake ? nullptr : at.find_topic(topic.name);
    for (const partition_id partition : topic.partition_indexes) {
      if (!seen.emplace(topic.name, partition).second) continue;
      auto& answer = to.partitions.emplace_back();
      answer.partition_index = partition;
      if (mistake) {
        answer.error_code = errc::invalid_topic_exception;
        answer.error_message = what.arena.store(std::string_view(*mistake));
      } else if (!calls.add(known, partition, {&answer})) {
        answer.error_code = errc::unknown_topic_or_partition;
      }
    }
  }
  co_await calls.run(describe);
  co_return out;
}

}  // namespace

rt::task<answer> describe_producers(shard& at, request& what) {
  return serve<describe_producers_request>(at, what, act);
}

}  // namespace moldau::broker
