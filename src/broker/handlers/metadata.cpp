#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/topic_name.hpp"
#include "broker/authorized_operations.hpp"
#include "broker/auto_create.hpp"
#include "broker/handlers.hpp"
#include "broker/node.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::metadata_request;
using wire::protocol::metadata_response;

/// KIP-516: from here on topics may be asked for by id. Versions 10 and 11 have the field already.
constexpr std::int16_t topic_ids_since = 12;

/// Operations bits that stand for "not asked for".
constexpr std::int32_t not_asked = INT32_MIN;

metadata_response::metadata_response_topic describe(const metadata::topic& topic, const metadata::image& image) {
  metadata_response::metadata_response_topic out;
  out.name = topic.name;
  out.topic_id = topic.id;
  out.is_internal = is_internal_topic(topic.name);
  out.partitions.reserve(topic.partitions.size());
  for (const auto& partition : topic.partitions) {
    auto& to = out.partitions.emplace_back();
    to.partition_index = partition->id;
    to.leader_id = partition->leader;
    to.leader_epoch = partition->leader_epoch;
    to.replica_nodes = partition->replicas;
    to.isr_nodes = partition->isr;
    for (const broker_id replica : partition->replicas) {
      const auto* broker = image.find_broker(replica);
      if (broker == nullptr || broker->fenced) to.offline_replicas.push_back(replica);
    }
    const auto* leader = image.find_broker(partition->leader);
    if (leader == nullptr || leader->fenced) {
      to.error_code = errc::leader_not_available;
      to.leader_id = no_broker;
    }
  }
  return out;
}

metadata_response::metadata_response_topic unknown(std::optional<std::string_view> name, const topic_id& id,
                                                   errc code) {
  metadata_response::metadata_response_topic out;
  out.name = name;
  out.topic_id = id;
  out.error_code = code;
  return out;
}

/// What Kafka answers to a whole request that asks for more than its version may.
metadata_response refuse_all(const metadata_request& message, errc code) {
  metadata_response out;
  out.cluster_authorized_operations = not_asked;
  for (const auto& wanted : *message.topics) {
    out.topics.push_back(unknown(wanted.name.value_or(""), wanted.topic_id, code));
  }
  return out;
}

/// KIP-430: what the client may do to each topic; one that is asked for by an id that nobody knows has none.
void tell_topic_operations(metadata_response& out) {
  for (auto& topic : out.topics) {
    if (topic.name) topic.topic_authorized_operations = topic_operations;
  }
}

rt::task<metadata_response> act(shard& at, request& what, const metadata_request& message) {
  if (message.topics && what.api_version < topic_ids_since &&
      std::ranges::any_of(*message.topics, [](const auto& one) { return !one.name || !one.topic_id.is_zero(); })) {
    co_return refuse_all(message, errc::invalid_request);
  }
  // Topics that a request names and that aren't there may be made first (auto.create.topics.enable).
  if (message.topics && message.allow_auto_topic_creation && at.config().boolean("auto.create.topics.enable")) {
    std::vector<std::string> missing;
    for (const auto& topic : *message.topics) {
      if (topic.name && !topic.name->empty() && at.image().find_topic(*topic.name) == nullptr &&
          !base::topic_name_mistake(*topic.name)) {
        missing.emplace_back(*topic.name);
      }
    }
    if (!missing.empty()) co_await auto_create(at, std::move(missing));
  }

  // The strings of the answer live in this image.
  auto view = std::make_shared<cluster_view>(at.view());
  what.keep_alive = view;
  const metadata::image& image = *view->image;
  metadata_response out;
  out.cluster_id = at.owner().cluster_id();
  out.cluster_authorized_operations = message.include_cluster_authorized_operations ? cluster_operations : not_asked;
  for (const auto& [id, broker] : *image.brokers) {
    if (broker->fenced) continue;
    const auto* listener = broker->find_listener(what.peer->listener);
    if (listener == nullptr) continue;
    auto& to = out.brokers.emplace_back();
    to.node_id = id;
    to.host = listener->host;
    to.port = listener->port;
    if (broker->rack) to.rack = *broker->rack;
  }
  // Clients send admin requests to the "controller", and any broker that is there forwards them.
  if (!out.brokers.empty()) out.controller_id = out.brokers[at.world().random() % out.brokers.size()].node_id;

  const bool all = !message.topics || (what.api_version == 0 && message.topics->empty());
  if (all) {
    image.topics.for_each([&](const topic_id&, const std::shared_ptr<const metadata::topic>& topic) {
      out.topics.push_back(describe(*topic, image));
    });
    std::ranges::sort(out.topics, {}, [](const auto& topic) { return *topic.name; });
    if (message.include_topic_authorized_operations) tell_topic_operations(out);
    co_return out;
  }
  std::set<std::string_view> seen;
  std::set<topic_id> seen_ids;
  for (const auto& wanted : *message.topics) {
    if (wanted.name && (!wanted.name->empty() || wanted.topic_id.is_zero())) {
      if (!seen.insert(*wanted.name).second) continue;
      const metadata::topic* topic = image.find_topic(*wanted.name);
      if (topic != nullptr) {
        out.topics.push_back(describe(*topic, image));
      } else {
        out.topics.push_back(unknown(
            *wanted.name, {},
            base::topic_name_mistake(*wanted.name) ? errc::invalid_topic_exception : errc::unknown_topic_or_partition));
      }
      continue;
    }
    if (!seen_ids.insert(wanted.topic_id).second) continue;
    const metadata::topic* topic = image.find_topic(wanted.topic_id);
    if (topic != nullptr) {
      out.topics.push_back(describe(*topic, image));
    } else {
      out.topics.push_back(unknown(std::nullopt, wanted.topic_id, errc::unknown_topic_id));
    }
  }
  if (message.include_topic_authorized_operations) tell_topic_operations(out);
  co_return out;
}

}  // namespace

rt::task<answer> metadata(shard& at, request& what) {
  return serve<metadata_request>(at, what, act);
}

}  // namespace moldau::broker
