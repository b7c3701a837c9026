#include <fmt/format.h>

#include <algorithm>

#include "client/admin_impl.hpp"
#include "wire/protocol/describe_topic_partitions_request.hpp"
#include "wire/protocol/describe_topic_partitions_response.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

namespace {

using described = outcomes<std::string, described_topic>;

result<described_topic> no_topic(errc code, std::string_view name) {
  return fail(code, code == errc::unknown_topic_or_partition ? fmt::format("there is no topic '{}'", name)
                                                             : fmt::format("topic '{}': {}", name, moldau::name(code)));
}

described_topic described_by(const metadata_response::metadata_response_topic& from) {
  described_topic out{.name = std::string(from.name.value_or("")),
                      .id = from.topic_id,
                      .is_internal = from.is_internal,
                      .partitions = {},
                      .authorized_operations = operations_of(from.topic_authorized_operations)};
  for (const auto& p : from.partitions) {
    out.partitions.push_back({.id = p.partition_index,
                              .leader = p.leader_id,
                              .leader_epoch = p.leader_epoch,
                              .replicas = p.replica_nodes,
                              .in_sync_replicas = p.isr_nodes,
                              .offline_replicas = p.offline_replicas});
  }
  std::ranges::sort(out.partitions, {}, &described_partition::id);
  return out;
}

/// Takes a page in: a topic with many partitions goes over several.
void take_page(const describe_topic_partitions_response& page, bool operations, described& into) {
  for (const auto& from : page.topics) {
    const std::string name(from.name.value_or(""));
    auto& topic = into[name];
    if (from.error_code != errc::none) {
      topic = no_topic(from.error_code, name);
      continue;
    }
    if (!topic) topic = described_topic();
    topic->name = name;
    topic->id = from.topic_id;
    topic->is_internal = from.is_internal;
    if (operations) topic->authorized_operations = operations_of(from.topic_authorized_operations);
    for (const auto& p : from.partitions) {
      topic->partitions.push_back(
          {.id = p.partition_index,
           .leader = p.leader_id,
           .leader_epoch = p.leader_epoch,
           .replicas = p.replica_nodes,
           .in_sync_replicas = p.isr_nodes,
           .offline_replicas = p.offline_replicas,
           .eligible_leader_replicas = p.eligible_leader_replicas.value_or(std::vector<broker_id>()),
           .last_known_eligible_leader_replicas = p.last_known_elr.value_or(std::vector<broker_id>())});
    }
  }
}

/// What brokers from 3.7 on have: pages, so that no answer is too large.
rt::task<result<described>> by_pages(peer::connection& to, const std::vector<std::string>& names, bool operations) {
  described out;
  // The cursor's topic outlives the page that named it.
  std::string from_topic;
  std::optional<partition_id> from_partition;
  while (true) {
    describe_topic_partitions_request request;
    for (const std::string& name : names) request.topics.push_back({.name = name});
    if (from_partition) {
      request.cursor =
          describe_topic_partitions_request::cursor_data{.topic_name = from_topic, .partition_index = *from_partition};
    }
    MOLDAU_CO_TRY_ASSIGN(const auto page, co_await to.call<describe_topic_partitions_response>(std::move(request)));
    take_page(page.message, operations, out);
    if (!page->next_cursor) co_return out;
    const bool moves = !from_partition || page->next_cursor->topic_name != from_topic ||
                       page->next_cursor->partition_index != *from_partition;
    if (!moves) co_return fail(errc::malformed, "the broker's pages don't come to an end");
    from_topic = page->next_cursor->topic_name;
    from_partition = page->next_cursor->partition_index;
  }
}

/// What older ones have.
rt::task<result<described>> by_metadata(peer::connection& to, const std::vector<std::string>& names, bool operations) {
  metadata_request request{.allow_auto_topic_creation = false, .include_topic_authorized_operations = operations};
  for (const std::string& name : names) request.topics->push_back({.name = name});
  const std::int16_t version_min = operations ? 8 : 4;
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await to.call<metadata_response>(std::move(request), {.version_min = version_min}));
  described out;
  for (const auto& topic : answer->topics) {
    if (!topic.name) continue;
    const std::string name(*topic.name);
    out[name] = topic.error_code == errc::none ? described_by(topic) : no_topic(topic.error_code, name);
  }
  co_return out;
}

}  // namespace

rt::task<result<described>> admin::impl::describe_topics(call_token call, std::vector<std::string> names,
                                                         describe_options with) {
  const auto self = shared_from_this();
  if (names.empty()) co_return described();
  retry_timer timer(*cluster_, options_.api_timeout_ms);
  while (true) {
    result<described> got;
    if (auto to = co_await cluster_->any()) {
      const bool has_pages = (*to)->api_versions().apis().contains(describe_topic_partitions_request::api_key);
      // Kept: the connection may be replaced while it is asked.
      const connection_ptr asked = *to;
      got = has_pages ? co_await by_pages(*asked, names, with.authorized_operations)
                      : co_await by_metadata(*asked, names, with.authorized_operations);
    } else {
      got = std::unexpected(std::move(to).error());
    }
    if (got) {
      for (const std::string& name : names) {
        if (!got->contains(name)) (*got)[name] = no_topic(errc::unknown_topic_or_partition, name);
      }
      co_return got;
    }
    if (call.is_cancelled() || !may_retry(got.error().code) || !co_await timer.wait()) co_return got;
  }
}

rt::task<result<outcomes<topic_id, described_topic>>> admin::impl::describe_topics_by_id(call_token call,
                                                                                         std::vector<topic_id> ids,
                                                                                         describe_options with) {
  const auto self = shared_from_this();
  outcomes<topic_id, described_topic> out;
  if (ids.empty()) co_return out;
  metadata_request request{.allow_auto_topic_creation = false,
                           .include_topic_authorized_operations = with.authorized_operations};
  for (const topic_id& id : ids) {
    request.topics->push_back({.topic_id = id});
    request.topics->back().name.reset();
  }
  // Version 12 is the first that answers ids without names.
  MOLDAU_CO_TRY_ASSIGN(
      const auto answer,
      co_await ask_any<metadata_response>(
          call, [&](peer::connection& to) { return to.call<metadata_response>(request, {.version_min = 12}); },
          [](const auto& a) { return a->error_code; }));
  MOLDAU_CO_TRY(outcome_of(answer->error_code, std::nullopt, "the topics"));
  for (const auto& topic : answer->topics) {
    if (topic.error_code == errc::none) {
      out[topic.topic_id] = described_by(topic);
    } else {
      out[topic.topic_id] = fail(
          topic.error_code, fmt::format("topic {}: {}", topic.topic_id.to_string(), moldau::name(topic.error_code)));
    }
  }
  co_return out;
}

}  // namespace moldau::client
