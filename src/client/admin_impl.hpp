#pragma once

#include <functional>
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
  rt::task<result<std::vector<listed_topic>>> list_topics(call_token call);
  rt::task<result<outcomes<std::string, created_topic>>> create_topics(call_token call, std::vector<new_topic> topics,
                                                                       bool validate_only);
  rt::task<result<outcomes<std::string>>> delete_topics(call_token call, std::vector<std::string> names);
  rt::task<result<outcomes<topic_id>>> delete_topics_by_id(call_token call, std::vector<topic_id> ids);
  rt::task<result<outcomes<std::string>>> create_partitions(call_token call,
                                                            std::map<std::string, new_partitions> topics,
                                                            bool validate_only);
  // admin_describe_topics.cpp
  rt::task<result<outcomes<std::string, described_topic>>> describe_topics(call_token call,
                                                                           std::vector<std::string> names,
                                                                           describe_options with);
  rt::task<result<outcomes<topic_id, described_topic>>> describe_topics_by_id(call_token call,
                                                                              std::vector<topic_id> ids,
                                                                              describe_options with);
  // admin_partitions.cpp
  rt::task<result<outcomes<topic_partition, offset>>> delete_records(call_token call,
                                                                     std::map<topic_partition, offset> before);
  rt::task<result<outcomes<topic_partition, listed_offset>>> list_offsets(call_token call,
                                                                          std::map<topic_partition, offset_spec> of,
                                                                          isolation level);
  rt::task<result<outcomes<topic_partition, epoch_end>>> epoch_ends(call_token call,
                                                                    std::map<topic_partition, leader_epoch> epochs);
  rt::task<result<outcomes<topic_partition, std::vector<producer_state>>>> describe_producers(
      call_token call, std::vector<topic_partition> partitions);
  rt::task<result<outcomes<topic_partition>>> elect_leaders(call_token call, election how,
                                                            std::optional<std::vector<topic_partition>> partitions);

  // admin_configs.cpp
  rt::task<result<outcomes<config_resource, std::vector<config_entry>>>> describe_configs(
      call_token call, std::vector<config_resource> of, bool documentation);
  rt::task<result<outcomes<config_resource>>> alter_configs(
      call_token call, std::map<config_resource, std::vector<config_change>> changes, bool validate_only);

  // admin_groups.cpp
  rt::task<result<std::vector<listed_group>>> list_groups(call_token call, group_filter only);
  rt::task<result<outcomes<std::string, described_group>>> describe_groups(call_token call,
                                                                           std::vector<std::string> ids,
                                                                           describe_options with);
  rt::task<result<outcomes<std::string>>> delete_groups(call_token call, std::vector<std::string> ids);
  rt::task<result<outcomes<std::string>>> remove_members(call_token call, std::string group,
                                                         std::vector<leaving_member> members);
  rt::task<result<std::map<topic_partition, committed_offset>>> group_offsets(
      call_token call, std::string group, std::optional<std::vector<topic_partition>> partitions);
  rt::task<result<outcomes<topic_partition>>> alter_group_offsets(call_token call, std::string group,
                                                                  std::map<topic_partition, committed_offset> offsets);
  rt::task<result<outcomes<topic_partition>>> delete_group_offsets(call_token call, std::string group,
                                                                   std::vector<topic_partition> partitions);

  // admin_cluster.cpp
  rt::task<result<described_cluster>> describe_cluster(call_token call, describe_options with);
  rt::task<result<described_quorum>> describe_quorum(call_token call);
  rt::task<result<described_features>> describe_features(call_token call);
  rt::task<result<outcomes<std::string>>> update_features(call_token call, std::vector<feature_change> changes,
                                                          bool validate_only);
  rt::task<result<outcomes<broker_id, std::vector<described_log_dir>>>> describe_log_dirs(call_token call,
                                                                                          std::vector<broker_id> of);

  rt::task<result<client::statistics>> statistics(call_token call);
  rt::task<result<void>> close();
  [[nodiscard]] const runtime& home() const { return runtime_; }
  void stop() { runtime_.stop(); }

 private:
  /// How one thing is asked of one connection.
  template <typename Response>
  using asking = std::function<rt::task<result<peer::reply<Response>>>(peer::connection&)>;

  template <typename Response, typename Request>
  [[nodiscard]] static asking<Response> plainly(Request request) {
    return [request = std::move(request)](peer::connection& to) { return to.call<Response>(request); };
  }

  /// Asks whatever broker is there, again after failures in passing.
  template <typename Response, typename Judge>
  rt::task<result<peer::reply<Response>>> ask_any(call_token call, asking<Response> ask, Judge judge) {
    co_return co_await cluster_->with_retries([this] { return cluster_->any(); }, std::move(ask), judge, call);
  }
  /// The same of the controller, or of the broker that passes on to it.
  template <typename Response, typename Judge>
  rt::task<result<peer::reply<Response>>> ask_controller(call_token call, asking<Response> ask, Judge judge) {
    co_return co_await cluster_->with_retries([this] { return cluster_->controller(); }, std::move(ask), judge, call);
  }
  /// The same of a group's coordinator.
  template <typename Response, typename Judge>
  rt::task<result<peer::reply<Response>>> ask_coordinator(call_token call, std::string group, asking<Response> ask,
                                                          Judge judge) {
    co_return co_await cluster_->with_retries(
        [&] { return cluster_->coordinator(group); }, std::move(ask),
        [&](const peer::reply<Response>& answer) {
          const errc code = judge(answer);
          if (code == errc::not_coordinator || code == errc::coordinator_not_available) {
            cluster_->forget_coordinator(group);
          }
          return code;
        },
        call);
  }

  const client_options options_;
  runtime runtime_;
  std::shared_ptr<cluster> cluster_;
};

/// The bits of KIP-430 as a list; nothing if they weren't told.
[[nodiscard]] std::vector<acl_operation> operations_of(std::int32_t bits);

/// The outcome that a code and the broker's words make; without words the code's name has to do.
[[nodiscard]] result<void> outcome_of(errc code, const std::optional<std::string_view>& words, std::string_view what);

}  // namespace moldau::client
