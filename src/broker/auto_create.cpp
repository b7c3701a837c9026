#include "broker/auto_create.hpp"

#include "broker/controller_call.hpp"
#include "broker/shard.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::create_topics_request;

/// The broker's default, as CreateTopics asks for it.
constexpr std::int32_t by_default = -1;

create_topics_request::creatable_topic wanted_topic(std::string_view name, const config::broker_config& config) {
  create_topics_request::creatable_topic out;
  out.name = name;
  out.num_partitions = by_default;
  out.replication_factor = static_cast<std::int16_t>(by_default);
  if (name == "__consumer_offsets") {
    out.num_partitions = config.int32("offsets.topic.num.partitions");
    out.replication_factor = static_cast<std::int16_t>(config.int32("offsets.topic.replication.factor"));
  } else if (name == "__transaction_state") {
    out.num_partitions = config.int32("transaction.state.log.num.partitions");
    out.replication_factor = static_cast<std::int16_t>(config.int32("transaction.state.log.replication.factor"));
  }
  return out;
}

}  // namespace

rt::task<void> auto_create(shard& at, std::vector<std::string> names) {
  const cluster_view view = at.view();
  const std::string segment_bytes = std::to_string(view.config->int32("offsets.topic.segment.bytes"));
  create_topics_request message;
  message.timeout_ms = 30'000;
  for (const std::string& name : names) {
    auto topic = wanted_topic(name, *view.config);
    if (name == "__consumer_offsets") {
      topic.configs.push_back({.name = "cleanup.policy", .value = "compact"});
      topic.configs.push_back({.name = "segment.bytes", .value = segment_bytes});
      topic.configs.push_back({.name = "compression.type", .value = "producer"});
    }
    message.topics.push_back(std::move(topic));
  }
  wire::arena arena;
  const auto done = co_await ask_controller(at, [&](metadata::controller& controller, std::int64_t now_ms) {
    return controller.create_topics(message, now_ms, arena);
  });
  if (!done) {
    at.log().warn("cannot create topics by themselves: {}", done.error().message);
    co_return;
  }
  for (const auto& topic : done->topics) {
    if (topic.error_code == errc::none || topic.error_code == errc::topic_already_exists) continue;
    at.log().warn("cannot create topic {} by itself: {}", topic.name,
                  topic.error_message.value_or(name(topic.error_code)));
  }
}

}  // namespace moldau::broker
