#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/cluster.hpp"
#include "client/offset_calls.hpp"
#include "client/runtime.hpp"
#include "moldau/client/admin.hpp"

namespace moldau::client {

/// The admin's calls as coroutines on the client's thread; by subject in admin_*.cpp.
class admin::impl : public std::enable_shared_from_this<admin::impl> {
 public:
  explicit impl(client_options options);

  // admin_topics.cpp
  rt::task<result<std::vector<listed_topic>>> list_topics();
  rt::task<result<outcomes<std::string, described_topic>>> describe_topics(std::vector<std::string> names);
  rt::task<result<outcomes<std::string>>> create_topics(std::vector<new_topic> topics, bool validate_only);
  rt::task<result<outcomes<std::string>>> delete_topics(std::vector<std::string> names);
  rt::task<result<outcomes<std::string>>> create_partitions(std::map<std::string, std::int32_t> totals,
                                                            bool validate_only);
  rt::task<result<outcomes<topic_partition, offset>>> delete_records(std::map<topic_partition, offset> before);
  rt::task<result<outcomes<topic_partition, listed_offset>>> list_offsets(std::map<topic_partition, offset_spec> of);

  // admin_configs.cpp
  rt::task<result<outcomes<config_resource, std::vector<config_entry>>>> describe_configs(
      std::vector<config_resource> of, bool documentation);
  rt::task<result<outcomes<config_resource>>> alter_configs(
      std::map<config_resource, std::vector<config_change>> changes, bool validate_only);

  // admin_groups.cpp
  rt::task<result<std::vector<listed_group>>> list_groups();
  rt::task<result<outcomes<std::string, described_group>>> describe_groups(std::vector<std::string> ids);
  rt::task<result<outcomes<std::string>>> delete_groups(std::vector<std::string> ids);
  rt::task<result<std::map<topic_partition, committed_offset>>> group_offsets(std::string group);
  rt::task<result<outcomes<topic_partition>>> alter_group_offsets(std::string group,
                                                                  std::map<topic_partition, committed_offset> offsets);
  rt::task<result<outcomes<topic_partition>>> delete_group_offsets(std::string group,
                                                                   std::vector<topic_partition> partitions);

  // admin_cluster.cpp
  rt::task<result<described_cluster>> describe_cluster();
  rt::task<result<described_quorum>> describe_quorum();
  rt::task<result<described_features>> describe_features();
  rt::task<result<outcomes<std::string>>> update_features(std::vector<feature_change> changes, bool validate_only);
  rt::task<result<outcomes<broker_id, std::vector<described_log_dir>>>> describe_log_dirs(std::vector<broker_id> of);

  rt::task<result<void>> close();
  [[nodiscard]] const runtime& home() const { return runtime_; }
  void stop() { runtime_.stop(); }

 private:
  /// Asks whatever broker is there, again after failures in passing.
  template <typename Response, typename Request, typename Judge>
  rt::task<result<peer::reply<Response>>> ask_any(Request request, Judge judge) {
    co_return co_await cluster_->with_retries(
        [this] { return cluster_->any(); },
        [&](peer::connection& to) { return to.call<Response>(request, {.timeout_ms = options_.request_timeout_ms}); },
        judge);
  }
  /// The same of the controller, or of the broker that passes on to it.
  template <typename Response, typename Request, typename Judge>
  rt::task<result<peer::reply<Response>>> ask_controller(Request request, Judge judge) {
    co_return co_await cluster_->with_retries(
        [this] { return cluster_->controller(); },
        [&](peer::connection& to) { return to.call<Response>(request, {.timeout_ms = options_.request_timeout_ms}); },
        judge);
  }
  /// The same of a group's coordinator.
  template <typename Response, typename Request, typename Judge>
  rt::task<result<peer::reply<Response>>> ask_coordinator(std::string group, Request request, Judge judge) {
    co_return co_await cluster_->with_retries(
        [&] { return cluster_->coordinator(group); },
        [&](peer::connection& to) { return to.call<Response>(request, {.timeout_ms = options_.request_timeout_ms}); },
        [&](const peer::reply<Response>& answer) {
          const errc code = judge(answer);
          if (code == errc::not_coordinator || code == errc::coordinator_not_available)
            cluster_->forget_coordinator(group);
          return code;
        });
  }

  const client_options options_;
  runtime runtime_;
  std::shared_ptr<cluster> cluster_;
};

/// The outcome that a code and the broker's words make; without words the code's name has to do.
[[nodiscard]] result<void> outcome_of(errc code, const std::optional<std::string_view>& words, std::string_view what);

}  // namespace moldau::client
