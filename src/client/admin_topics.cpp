#include <fmt/format.h>

#include "client/admin_impl.hpp"
#include "wire/protocol/create_partitions_request.hpp"
#include "wire/protocol/create_partitions_response.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"
#include "wire/protocol/delete_records_request.hpp"
#include "wire/protocol/delete_records_response.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

namespace {

constexpr auto no_judgement = [](const auto&) { return errc::none; };

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

rt::task<result<std::vector<listed_topic>>> admin::impl::list_topics() {
  const auto self = shared_from_this();
  MOLDAU_CO_TRY_ASSIGN(const auto names, co_await cluster_->refresh_all());
  std::vector<listed_topic> out;
  for (const std::string& name : names) {
    const topic_view* view = cluster_->view().topic(name);
    if (view == nullptr) continue;
    out.push_back(
        {.name = name,
         .id = view->id,
         .is_internal = view->is_internal,
         .partitions = view->partitions.size(),
         .replication_factor = view->partitions.empty() ? 0 : view->partitions.begin()->second.replicas.size()});
  }
  co_return out;
}

rt::task<result<outcomes<std::string, described_topic>>> admin::impl::describe_topics(std::vector<std::string> names) {
  const auto self = shared_from_this();
  retry_timer timer(runtime_.world(), options_, options_.api_timeout_ms);
  while (true) {
    const auto asked = co_await cluster_->refresh(std::set<std::string>(names.begin(), names.end()));
    if (asked) break;
    if (!may_retry(asked.error().code) || !co_await timer.wait()) co_return std::unexpected(asked.error());
  }
  outcomes<std::string, described_topic> out;
  for (const std::string& name : names) {
    const topic_view* view = cluster_->view().topic(name);
    if (view == nullptr || view->code != errc::none) {
      const errc code = view == nullptr ? errc::unknown_topic_or_partition : view->code;
      out[name] = fail(code, code == errc::unknown_topic_or_partition
                                 ? fmt::format("there is no topic '{}'", name)
                                 : fmt::format("topic '{}': {}", name, moldau::name(code)));
      continue;
    }
    described_topic topic{.name = name, .id = view->id, .is_internal = view->is_internal, .partitions = {}};
    for (const auto& [id, p] : view->partitions) {
      topic.partitions.push_back({.id = id,
                                  .leader = p.leader,
                                  .leader_epoch = p.leader_epoch,
                                  .replicas = p.replicas,
                                  .in_sync_replicas = p.in_sync_replicas,
                                  .offline_replicas = p.offline_replicas});
    }
    out[name] = std::move(topic);
  }
  co_return out;
}

rt::task<result<outcomes<std::string>>> admin::impl::create_topics(std::vector<new_topic> topics, bool validate_only) {
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
                       co_await ask_controller<create_topics_response>(std::move(request), [](const auto& a) {
                         return a->topics.empty() ? errc::none : moved_controller(a->topics.front().error_code);
                       }));
  outcomes<std::string> out;
  for (const auto& topic : answer->topics) {
    out[std::string(topic.name)] = outcome_of(topic.error_code, topic.error_message, topic.name);
  }
  co_return out;
}

rt::task<result<outcomes<std::string>>> admin::impl::delete_topics(std::vector<std::string> names) {
  const auto self = shared_from_this();
  MOLDAU_CO_TRY_ASSIGN(
      const auto answer,
      co_await cluster_->with_retries(
          [this] { return cluster_->controller(); },
          [&](peer::connection& to) -> rt::task<result<peer::reply<delete_topics_response>>> {
            const auto version = to.api_versions().choose(
                delete_topics_request::api_key, "DeleteTopics",
                {delete_topics_request::min_version, delete_topics_request::max_stable_version});
            if (!version) co_return std::unexpected(version.error());
            delete_topics_request request{.timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms)};
            for (const std::string& name : names) {
              if (*version >= 6) {
                request.topics.push_back({.name = name});
              } else {
                request.topic_names.push_back(name);
              }
            }
            co_return co_await to.call_at<delete_topics_response>(*version, std::move(request));
          },
          [](const auto& a) {
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

rt::task<result<outcomes<std::string>>> admin::impl::create_partitions(std::map<std::string, std::int32_t> totals,
                                                                       bool validate_only) {
  const auto self = shared_from_this();
  create_partitions_request request{.timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms),
                                    .validate_only = validate_only};
  for (const auto& [name, count] : totals) {
    request.topics.push_back({.name = name, .count = count});
    request.topics.back().assignments.reset();
  }
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await ask_controller<create_partitions_response>(std::move(request), [](const auto& a) {
                         return a->results.empty() ? errc::none : moved_controller(a->results.front().error_code);
                       }));
  outcomes<std::string> out;
  for (const auto& topic : answer->results) {
    out[std::string(topic.name)] = outcome_of(topic.error_code, topic.error_message, topic.name);
  }
  co_return out;
}

rt::task<result<outcomes<topic_partition, offset>>> admin::impl::delete_records(
    std::map<topic_partition, offset> before) {
  const auto self = shared_from_this();
  outcomes<topic_partition, offset> out;
  std::map<broker_id, delete_records_request> by_leader;
  for (const auto& [partition, end] : before) {
    const auto topic = co_await cluster_->topic(partition.topic, false, options_.api_timeout_ms);
    const partition_view* view = cluster_->view().partition(partition.topic, partition.partition);
    if (!topic || view == nullptr) {
      out[partition] =
          topic ? fail(errc::unknown_topic_or_partition,
                       fmt::format("topic '{}' has no partition {}", partition.topic, partition.partition.value()))
                : std::unexpected(topic.error());
      continue;
    }
    auto& request = by_leader[view->leader];
    request.timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms);
    if (request.topics.empty() || request.topics.back().name != partition.topic) {
      request.topics.push_back({.name = partition.topic});
    }
    request.topics.back().partitions.push_back({.partition_index = partition.partition, .offset = end});
  }
  for (const auto& [leader, request] : by_leader) {
    MOLDAU_CO_TRY_ASSIGN(
        const auto answer,
        co_await cluster_->with_retries([&] { return cluster_->broker(leader); },
                                        [&](peer::connection& to) { return to.call<delete_records_response>(request); },
                                        no_judgement));
    for (const auto& topic : answer->topics) {
      for (const auto& p : topic.partitions) {
        const topic_partition partition{std::string(topic.name), p.partition_index};
        if (p.error_code == errc::none) {
          out[partition] = p.low_watermark;
        } else {
          out[partition] = std::unexpected(outcome_of(p.error_code, std::nullopt, partition.topic).error());
        }
      }
    }
  }
  co_return out;
}

rt::task<result<outcomes<topic_partition, listed_offset>>> admin::impl::list_offsets(
    std::map<topic_partition, offset_spec> of) {
  const auto self = shared_from_this();
  std::map<topic_partition, std::int64_t> times;
  for (const auto& [partition, when] : of) times[partition] = when.timestamp_ms;
  co_return co_await client::list_offsets(cluster_, std::move(times), isolation::read_uncommitted);
}

}  // namespace moldau::client
