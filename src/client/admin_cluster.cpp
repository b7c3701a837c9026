#include <fmt/format.h>

#include "base/topic_name.hpp"
#include "client/admin_impl.hpp"
#include "wire/protocol/api_versions_request.hpp"
#include "wire/protocol/api_versions_response.hpp"
#include "wire/protocol/describe_cluster_request.hpp"
#include "wire/protocol/describe_cluster_response.hpp"
#include "wire/protocol/describe_log_dirs_request.hpp"
#include "wire/protocol/describe_log_dirs_response.hpp"
#include "wire/protocol/describe_quorum_request.hpp"
#include "wire/protocol/describe_quorum_response.hpp"
#include "wire/protocol/update_features_request.hpp"
#include "wire/protocol/update_features_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

rt::task<result<described_cluster>> admin::impl::describe_cluster(call_token call, describe_options with) {
  const auto self = shared_from_this();
  const auto ask = [&](peer::connection& to) -> rt::task<result<peer::reply<describe_cluster_response>>> {
    MOLDAU_CO_TRY_ASSIGN(const std::int16_t version,
                         to.api_versions().choose(
                             describe_cluster_request::api_key, "DescribeCluster",
                             {describe_cluster_request::min_version, describe_cluster_request::max_stable_version}));
    co_return co_await to.call_at<describe_cluster_response>(
        version, describe_cluster_request{.include_cluster_authorized_operations = with.authorized_operations,
                                          .include_fenced_brokers = version >= 2});
  };
  MOLDAU_CO_TRY_ASSIGN(const auto answer, co_await ask_any<describe_cluster_response>(
                                              call, ask, [](const auto& a) { return a->error_code; }));
  MOLDAU_CO_TRY(outcome_of(answer->error_code, answer->error_message, "the cluster"));
  described_cluster out{.id = std::string(answer->cluster_id),
                        .controller = answer->controller_id,
                        .nodes = {},
                        .authorized_operations = operations_of(answer->cluster_authorized_operations)};
  for (const auto& broker : answer->brokers) {
    out.nodes.push_back({.id = broker.broker_id,
                         .host = std::string(broker.host),
                         .port = static_cast<std::uint16_t>(broker.port),
                         .rack = broker.rack ? std::optional<std::string>(*broker.rack) : std::nullopt,
                         .is_fenced = broker.is_fenced});
  }
  co_return out;
}

rt::task<result<described_quorum>> admin::impl::describe_quorum(call_token call) {
  const auto self = shared_from_this();
  describe_quorum_request request;
  request.topics.push_back({.topic_name = base::metadata_topic, .partitions = {{.partition_index = partition_id(0)}}});
  const auto code_of = [](const auto& a) {
    if (a->error_code != errc::none) return a->error_code;
    return a->topics.empty() || a->topics.front().partitions.empty() ? errc::unknown_topic_or_partition
                                                                     : a->topics.front().partitions.front().error_code;
  };
  MOLDAU_CO_TRY_ASSIGN(const auto answer, co_await ask_any<describe_quorum_response>(
                                              call, plainly<describe_quorum_response>(request), [&](const auto& a) {
                                                const errc code = code_of(a);
                                                return code == errc::unknown_topic_or_partition ? errc::none : code;
                                              }));
  MOLDAU_CO_TRY(outcome_of(code_of(answer), answer->error_message, "the metadata quorum"));
  const auto& found = answer->topics.front().partitions.front();
  described_quorum out{
      .leader = found.leader_id, .leader_epoch = found.leader_epoch, .high_watermark = found.high_watermark};
  const auto take = [](const auto& from, std::vector<quorum_replica>& to) {
    for (const auto& replica : from) {
      to.push_back({.id = replica.replica_id,
                    .directory = replica.replica_directory_id,
                    .log_end_offset = replica.log_end_offset,
                    .last_fetch_ms = replica.last_fetch_timestamp,
                    .last_caught_up_ms = replica.last_caught_up_timestamp});
    }
  };
  take(found.current_voters, out.voters);
  take(found.observers, out.observers);
  co_return out;
}

rt::task<result<described_features>> admin::impl::describe_features(call_token call) {
  const auto self = shared_from_this();
  MOLDAU_CO_TRY_ASSIGN(const auto answer,
                       co_await ask_any<api_versions_response>(
                           call,
                           plainly<api_versions_response>(api_versions_request{.client_software_name = "moldau",
                                                                               .client_software_version = "0.1.0"}),
                           [](const auto& a) { return a->error_code; }));
  MOLDAU_CO_TRY(outcome_of(answer->error_code, std::nullopt, "the features"));
  described_features out{.features = {}, .epoch = answer->finalized_features_epoch};
  for (const auto& feature : answer->supported_features) {
    auto& level = out.features[std::string(feature.name)];
    level.supported_least = feature.min_version;
    level.supported_most = feature.max_version;
  }
  for (const auto& feature : answer->finalized_features) {
    out.features[std::string(feature.name)].finalized = feature.max_version_level;
  }
  co_return out;
}

rt::task<result<outcomes<std::string>>> admin::impl::update_features(call_token call,
                                                                     std::vector<feature_change> changes,
                                                                     bool validate_only) {
  const auto self = shared_from_this();
  update_features_request request{.timeout_ms = static_cast<std::int32_t>(options_.request_timeout_ms),
                                  .validate_only = validate_only};
  for (const feature_change& change : changes) {
    request.feature_updates.push_back({.feature = change.feature,
                                       .max_version_level = change.level,
                                       .upgrade_type = static_cast<std::int8_t>(change.what)});
  }
  MOLDAU_CO_TRY_ASSIGN(const auto answer, co_await ask_controller<update_features_response>(
                                              call, plainly<update_features_response>(request), [](const auto& a) {
                                                return a->error_code == errc::not_controller ? a->error_code
                                                                                             : errc::none;
                                              }));
  MOLDAU_CO_TRY(outcome_of(answer->error_code, answer->error_message, "the features"));
  outcomes<std::string> out;
  for (const feature_change& change : changes) out[change.feature] = {};
  for (const auto& done : answer->results) {
    out[std::string(done.feature)] = outcome_of(done.error_code, done.error_message, done.feature);
  }
  co_return out;
}

rt::task<result<outcomes<broker_id, std::vector<described_log_dir>>>> admin::impl::describe_log_dirs(
    call_token call, std::vector<broker_id> of) {
  const auto self = shared_from_this();
  MOLDAU_CO_TRY(co_await cluster_->refresh({}));
  if (of.empty()) {
    for (const auto& [id, node] : cluster_->view().nodes()) of.push_back(id);
  }
  describe_log_dirs_request request;
  request.topics.reset();
  outcomes<broker_id, std::vector<described_log_dir>> out;
  for (const broker_id id : of) {
    // A broker that is gone would be asked for as long as the call may take: it is told of at once.
    auto to = co_await cluster_->broker(id);
    if (!to) {
      out[id] = std::unexpected(to.error());
      continue;
    }
    const connection_ptr asked = *to;
    const auto answer = co_await asked->call<describe_log_dirs_response>(request);
    if (call.is_cancelled()) co_return fail(errc::cancelled, "the caller cancelled the call");
    if (!answer) {
      out[id] = std::unexpected(answer.error());
      continue;
    }
    if (auto outcome = outcome_of((*answer)->error_code, std::nullopt, fmt::format("broker {}", id.value()));
        !outcome) {
      out[id] = std::unexpected(outcome.error());
      continue;
    }
    std::vector<described_log_dir> directories;
    for (const auto& found : (*answer)->results) {
      described_log_dir directory{.path = std::string(found.log_dir),
                                  .state = found.error_code,
                                  .total_bytes = found.total_bytes,
                                  .usable_bytes = found.usable_bytes,
                                  .is_cordoned = found.is_cordoned,
                                  .replicas = {}};
      for (const auto& topic : found.topics) {
        for (const auto& p : topic.partitions) {
          directory.replicas.push_back({.partition = {std::string(topic.name), p.partition_index},
                                        .size_bytes = p.partition_size,
                                        .offset_lag = p.offset_lag,
                                        .is_future = p.is_future_key});
        }
      }
      directories.push_back(std::move(directory));
    }
    out[id] = std::move(directories);
  }
  co_return out;
}

}  // namespace moldau::client
