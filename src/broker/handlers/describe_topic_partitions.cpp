#include <algorithm>
#include <set>

#include "base/topic_name.hpp"
#include "broker/authorized_operations.hpp"
#include "broker/handlers.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "wire/protocol/describe_topic_partitions_request.hpp"
#include "wire/protocol/describe_topic_partitions_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::describe_topic_partitions_request;
using wire::protocol::describe_topic_partitions_response;
using topic_response = describe_topic_partitions_response::describe_topic_partitions_response_topic;

void describe(const metadata::partition& partition, const metadata::image& image, topic_response& to) {
  auto& out = to.partitions.emplace_back();
  out.partition_index = partition.id;
  out.leader_id = partition.leader;
  out.leader_epoch = partition.leader_epoch;
  out.replica_nodes = partition.replicas;
  out.isr_nodes = partition.isr;
  out.eligible_leader_replicas = partition.eligible_leader_replicas;
  out.last_known_elr = partition.last_known_eligible_leader_replicas;
  for (const broker_id replica : partition.replicas) {
    const auto* broker = image.find_broker(replica);
    if (broker == nullptr || broker->fenced) out.offline_replicas.push_back(replica);
  }
  const auto* leader = image.find_broker(partition.leader);
  if (leader == nullptr || leader->fenced) {
    out.error_code = errc::leader_not_available;
    out.leader_id = no_broker;
  }
}

rt::task<describe_topic_partitions_response> act(shard& at, request& what,
                                                 const describe_topic_partitions_request& message) {
  // KIP-966: topics in order of their names, cut off at so many partitions, with a cursor to go on from.
  auto view = std::make_shared<cluster_view>(at.view());
  what.keep_alive = view;
  const metadata::image& image = *view->image;
  std::set<std::string_view> names;
  for (const auto& topic : message.topics) names.insert(topic.name);
  if (message.topics.empty()) {
    image.topics.for_each([&](const topic_id&, const auto& topic) { names.insert(topic->name); });
  }
  const std::string_view from_topic = message.cursor ? message.cursor->topic_name : std::string_view{};
  std::int64_t left =
      std::clamp(message.response_partition_limit, 1, at.config().int32("max.request.partition.size.limit"));
  describe_topic_partitions_response out;
  for (auto name = names.lower_bound(from_topic); name != names.end(); ++name) {
    auto& to = out.topics.emplace_back();
    to.name = *name;
    to.topic_authorized_operations = topic_operations;
    const metadata::topic* topic = image.find_topic(*name);
    if (topic == nullptr) {
      to.error_code =
          base::topic_name_mistake(*name) ? errc::invalid_topic_exception : errc::unknown_topic_or_partition;
      continue;
    }
    to.topic_id = topic->id;
    to.is_internal = is_internal_topic(topic->name);
    const partition_id first =
        message.cursor && *name == from_topic ? message.cursor->partition_index : partition_id(0);
    for (const auto& partition : topic->partitions) {
      if (partition->id < first) continue;
      if (left == 0) {
        out.next_cursor.emplace().topic_name = *name;
        out.next_cursor->partition_index = partition->id;
        if (to.partitions.empty()) out.topics.pop_back();
        co_return out;
      }
      describe(*partition, image, to);
      --left;
    }
  }
  co_return out;
}

}  // namespace

rt::task<answer> describe_topic_partitions(shard& at, request& what) {
  return serve<describe_topic_partitions_request>(at, what, act);
}

}  // namespace moldau::broker
