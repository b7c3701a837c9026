#include <fmt/format.h>

#include <algorithm>

#include "client/admin_impl.hpp"
#include "wire/protocol/create_partitions_request.hpp"
#include "wire/protocol/create_partitions_response.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

namespace {

/// A moved controller shows in every topic's own code.
errc moved_controller(errc code) {
  return code == errc::not_controller ? code : errc::none;
}

}  // namespace

result<void> outcome_of(errc code, const std::optional<std::string_view>& words, std::string_view what) {
  if (code == errc::none) return {};
  if (words && !words->empty()) return fail(code, std::string(*words));
  return fail(code, fmt::format("{}: {}", what, name(code)));
}

std::vector<acl_operation> operations_of(std::int32_t bits) {
  std::vector<acl_operation> out;
  if (bits == INT32_MIN) return out;
  for (int bit = 0; bit < 31; ++bit) {
    if (((static_cast<std::uint32_t>(bits) >> bit) & 1U) != 0) out.push_back(static_cast<acl_operation>(bit));
  }
  return out;
}

rt::task<result<std::vector<listed_topic>>> admin::impl::list_topics(call_token call) {
  const auto self = shared_from_this();
  metadata_request request{.allow_auto_topic_creation = false};
  request.topics.reset();
  MOLDAU_CO_TRY_ASSIGN(
      const auto answer,
      co_await ask_any<metadata_response>(
          call, [&](peer::connection& to) { return to.call<metadata_response>(request, {.version_min = 4}); },
          [](const auto& a) { return a->error_code; }));
  MOLDAU_CO_TRY(outcome_of(answer->error_code, std::nullopt, "the topics"));
  std::vector<listed_topic> out;
  for (const auto& topic : answer->topics) {
    if (!topic.name || topic.error_code != errc::none) continue;
    out.push_back({.name = std::string(*topic.name),
                   .id = topic.topic_id,
                   .is_internal = topic.is_internal,
                   .partitions = topic.partitions.size(),
                   .replication_factor = topic.partitions.empty() ? 0 : topic.partitions.front().replica_nodes.size()});
  }
  std::ranges::sort(out, {}, &listed_topic::name);
  co_return out;
}

rt::task<result<outcomes<std::string, created_topic>>> admin::impl::create_topics(call_token call,
                                                                                  std::vector<new_topic> topics,
                                                                                  bool validate_only) {
  const auto self = shared_from_this();
  create_topics_request request{.timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms),
                                .validate_only = validate_only};
  for (const new_topic& topic : topics) {
    create_topics_request::creatable_topic asked{
        .name = topic.name, .num_partitions = topic.partitions, .replication_factor = topic.replication_factor};
    for (std::size_t i = 0; i < topic.assignments.size(); ++i) {
      asked.assignments.push_back(
          {.partition_index = partition_id(static_cast<std::int32_t>(i)), .broker_ids = topic.assignments[i]});
    }
    for (const auto& [key, value] : topic.configs) asked.configs.push_back({.name = key, .value = value});
    request.topics.push_back(std::move(asked));
  }
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await ask_controller<create_topics_response>(
                           call, plainly<create_topics_response>(request), [](const auto& a) {
                             return a->topics.empty() ? errc::none : moved_controller(a->topics.front().error_code);
                           }));
  outcomes<std::string, created_topic> out;
  for (const auto& topic : answer->topics) {
    auto& made = out[std::string(topic.name)];
    if (auto outcome = outcome_of(topic.error_code, topic.error_message, topic.name); !outcome) {
      made = std::unexpected(std::move(outcome).error());
      continue;
    }
    created_topic told{
        .id = topic.topic_id, .partitions = topic.num_partitions, .replication_factor = topic.replication_factor};
    if (topic.configs) {
      for (const auto& config : *topic.configs) {
        if (config.value) told.configs.emplace(config.name, *config.value);
      }
    }
    made = std::move(told);
  }
  co_return out;
}

rt::task<result<outcomes<std::string>>> admin::impl::delete_topics(call_token call, std::vector<std::string> names) {
  const auto self = shared_from_this();
  const auto ask = [&](peer::connection& to) -> rt::task<result<peer::reply<delete_topics_response>>> {
    MOLDAU_CO_TRY_ASSIGN(
        const std::int16_t version,
        to.api_versions().choose(delete_topics_request::api_key, "DeleteTopics",
                                 {delete_topics_request::min_version, delete_topics_request::max_stable_version}));
    delete_topics_request request{.timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms)};
    for (const std::string& name : names) {
      if (version >= 6) {
        request.topics.push_back({.name = name});
      } else {
        request.topic_names.push_back(name);
      }
    }
    co_return co_await to.call_at<delete_topics_response>(version, std::move(request));
  };
  MOLDAU_CO_TRY_ASSIGN(const auto answer, co_await ask_controller<delete_topics_response>(call, ask, [](const auto& a) {
                         return a->responses.empty() ? errc::none : moved_controller(a->responses.front().error_code);
                       }));
  outcomes<std::string> out;
  for (const auto& topic : answer->responses) {
    const std::string name(topic.name.value_or(""));
    out[name] = topic.error_code == errc::unknown_topic_or_partition
                    ? fail(topic.error_code, fmt::format("there is no topic '{}'", name))
                    : outcome_of(topic.error_code, topic.error_message, name);
  }
  co_return out;
}

rt::task<result<outcomes<topic_id>>> admin::impl::delete_topics_by_id(call_token call, std::vector<topic_id> ids) {
  const auto self = shared_from_this();
  delete_topics_request request{.timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms)};
  for (const topic_id& id : ids) request.topics.push_back({.topic_id = id});
  MOLDAU_CO_TRY_ASSIGN(
      const auto answer,
      co_await ask_controller<delete_topics_response>(
          call, [&](peer::connection& to) { return to.call<delete_topics_response>(request, {.version_min = 6}); },
          [](const auto& a) {
            return a->responses.empty() ? errc::none : moved_controller(a->responses.front().error_code);
          }));
  outcomes<topic_id> out;
  for (const auto& topic : answer->responses) {
    out[topic.topic_id] = outcome_of(topic.error_code, topic.error_message, topic.topic_id.to_string());
  }
  co_return out;
}

rt::task<result<outcomes<std::string>>> admin::impl::create_partitions(call_token call,
                                                                       std::map<std::string, new_partitions> topics,
                                                                       bool validate_only) {
  const auto self = shared_from_this();
  create_partitions_request request{.timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms),
                                    .validate_only = validate_only};
  for (const auto& [name, grown] : topics) {
    create_partitions_request::create_partitions_topic asked{.name = name, .count = grown.total};
    if (grown.assignments.empty()) {
      asked.assignments.reset();
    } else {
      asked.assignments.emplace();
      for (const auto& replicas : grown.assignments) asked.assignments->push_back({.broker_ids = replicas});
    }
    request.topics.push_back(std::move(asked));
  }
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await ask_controller<create_partitions_response>(
                           call, plainly<create_partitions_response>(request), [](const auto& a) {
                             return a->results.empty() ? errc::none : moved_controller(a->results.front().error_code);
                           }));
  outcomes<std::string> out;
  for (const auto& topic : answer->results) {
    out[std::string(topic.name)] = outcome_of(topic.error_code, topic.error_message, topic.name);
  }
  co_return out;
}

}  // namespace moldau::client
