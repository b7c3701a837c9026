#include <fmt/format.h>

#include <algorithm>

#include "client/admin_impl.hpp"
#include "client/group_protocol.hpp"
#include "wire/protocol/delete_groups_request.hpp"
#include "wire/protocol/delete_groups_response.hpp"
#include "wire/protocol/describe_groups_request.hpp"
#include "wire/protocol/describe_groups_response.hpp"
#include "wire/protocol/leave_group_request.hpp"
#include "wire/protocol/leave_group_response.hpp"
#include "wire/protocol/list_groups_request.hpp"
#include "wire/protocol/list_groups_response.hpp"
#include "wire/protocol/offset_delete_request.hpp"
#include "wire/protocol/offset_delete_response.hpp"

namespace moldau::client {

using namespace wire::protocol;

namespace {

/// What another attempt at the coordinator may mend; the rest is the answer.
errc passing(errc code) {
  return code == errc::not_coordinator || code == errc::coordinator_not_available ||
                 code == errc::coordinator_load_in_progress
             ? code
             : errc::none;
}

error no_group(std::string_view id) {
  return {errc::group_id_not_found, fmt::format("there is no group '{}'", id)};
}

}  // namespace

rt::task<result<std::vector<listed_group>>> admin::impl::list_groups(call_token call, group_filter only) {
  const auto self = shared_from_this();
  const auto ask = [&](peer::connection& to) -> rt::task<result<peer::reply<list_groups_response>>> {
    MOLDAU_CO_TRY_ASSIGN(
        const std::int16_t version,
        to.api_versions().choose(list_groups_request::api_key, "ListGroups",
                                 {list_groups_request::min_version, list_groups_request::max_stable_version}));
    list_groups_request request;
    if (version >= 4) request.states_filter.assign(only.states.begin(), only.states.end());
    if (version >= 5) request.types_filter.assign(only.types.begin(), only.types.end());
    co_return co_await to.call_at<list_groups_response>(version, std::move(request));
  };
  MOLDAU_CO_TRY(co_await cluster_->refresh({}));
  std::vector<listed_group> out;
  const auto nodes = cluster_->view().nodes();
  for (const auto& [id, node] : nodes) {
    MOLDAU_CO_TRY_ASSIGN(const auto answer,
                         co_await cluster_->with_retries([&] { return cluster_->broker(id); }, ask,
                                                         [](const auto& a) { return passing(a->error_code); }, call));
    MOLDAU_CO_TRY(outcome_of(answer->error_code, std::nullopt, fmt::format("groups of broker {}", id.value())));
    for (const auto& group : answer->groups) {
      out.push_back({.id = std::string(group.group_id),
                     .protocol_type = std::string(group.protocol_type),
                     .state = std::string(group.group_state),
                     .type = std::string(group.group_type)});
    }
  }
  co_return out;
}

rt::task<result<outcomes<std::string, described_group>>> admin::impl::describe_groups(call_token call,
                                                                                      std::vector<std::string> ids,
                                                                                      describe_options with) {
  const auto self = shared_from_this();
  outcomes<std::string, described_group> out;
  for (const std::string& id : ids) {
    const auto answer = co_await ask_coordinator<describe_groups_response>(
        call, id,
        [&](peer::connection& to) {
          return to.call<describe_groups_response>(
              describe_groups_request{.groups = {id}, .include_authorized_operations = with.authorized_operations},
              {.version_min = static_cast<std::int16_t>(with.authorized_operations ? 3 : 0)});
        },
        [](const auto& a) { return a->groups.empty() ? errc::none : passing(a->groups.front().error_code); });
    if (!answer) {
      out[id] = std::unexpected(answer.error());
      continue;
    }
    if ((*answer)->groups.empty()) {
      out[id] = std::unexpected(no_group(id));
      continue;
    }
    const auto& found = (*answer)->groups.front();
    // Until KIP-1043 a group that isn't there was described as dead.
    if (found.error_code == errc::group_id_not_found ||
        (found.error_code == errc::none && found.group_state == "Dead")) {
      out[id] = std::unexpected(no_group(id));
      continue;
    }
    if (auto outcome = outcome_of(found.error_code, found.error_message, id); !outcome) {
      out[id] = std::unexpected(outcome.error());
      continue;
    }
    described_group group{.id = id,
                          .state = std::string(found.group_state),
                          .protocol_type = std::string(found.protocol_type),
                          .protocol = std::string(found.protocol_data),
                          .members = {},
                          .coordinator = cluster_->coordinator_id(id),
                          .authorized_operations = operations_of(found.authorized_operations)};
    for (const auto& member : found.members) {
      group_member_info info{.id = std::string(member.member_id),
                             .instance_id = member.group_instance_id
                                                ? std::optional<std::string>(*member.group_instance_id)
                                                : std::nullopt,
                             .client_id = std::string(member.client_id),
                             .host = std::string(member.client_host),
                             .assignment = {}};
      if (found.protocol_type == "consumer") {
        // A member of another kind of consumer may say something that only it understands.
        if (auto assigned = decode_assignment(member.member_assignment))
          info.assignment = std::move(assigned->partitions);
      }
      group.members.push_back(std::move(info));
    }
    out[id] = std::move(group);
  }
  co_return out;
}

rt::task<result<outcomes<std::string>>> admin::impl::delete_groups(call_token call, std::vector<std::string> ids) {
  const auto self = shared_from_this();
  outcomes<std::string> out;
  for (const std::string& id : ids) {
    const auto answer = co_await ask_coordinator<delete_groups_response>(
        call, id, plainly<delete_groups_response>(delete_groups_request{.groups_names = {id}}),
        [](const auto& a) { return a->results.empty() ? errc::none : passing(a->results.front().error_code); });
    if (!answer) {
      out[id] = std::unexpected(answer.error());
      continue;
    }
    const errc code = (*answer)->results.empty() ? errc::group_id_not_found : (*answer)->results.front().error_code;
    if (code == errc::none) {
      out[id] = {};
    } else if (code == errc::group_id_not_found) {
      out[id] = std::unexpected(no_group(id));
    } else if (code == errc::non_empty_group) {
      out[id] = fail(code, fmt::format("group '{}' has members: stop them first", id));
    } else {
      out[id] = outcome_of(code, std::nullopt, id);
    }
  }
  co_return out;
}

rt::task<result<outcomes<std::string>>> admin::impl::remove_members(call_token call, std::string group,
                                                                    std::vector<leaving_member> members) {
  const auto self = shared_from_this();
  if (members.empty()) {
    MOLDAU_CO_TRY_ASSIGN(const auto described, co_await describe_groups(call, {group}, {}));
    MOLDAU_CO_TRY_ASSIGN(const described_group found, described.at(group));
    for (const auto& member : found.members) {
      members.push_back({.member_id = member.id, .instance_id = member.instance_id, .reason = {}});
    }
  }
  outcomes<std::string> out;
  if (members.empty()) co_return out;
  leave_group_request request{.group_id = group};
  for (const leaving_member& member : members) {
    leave_group_request::member_identity leaving{.member_id = member.member_id};
    // Who has an instance id is named by it alone, as its member id may change any time.
    if (member.instance_id) leaving = {.member_id = {}, .group_instance_id = *member.instance_id};
    leaving.reason = member.reason.empty() ? "removed by an admin" : std::string_view(member.reason);
    request.members.push_back(leaving);
  }
  // Version 3 is the first that lets another than the member say it.
  MOLDAU_CO_TRY_ASSIGN(
      const auto answer,
      co_await ask_coordinator<leave_group_response>(
          call, group, [&](peer::connection& to) { return to.call<leave_group_response>(request, {.version_min = 3}); },
          [](const auto& a) { return passing(a->error_code); }));
  MOLDAU_CO_TRY(outcome_of(answer->error_code, std::nullopt, fmt::format("group '{}'", group)));
  for (const auto& left : answer->members) {
    const std::string who(left.group_instance_id ? *left.group_instance_id : left.member_id);
    out[who] = left.error_code == errc::unknown_member_id
                   ? fail(left.error_code, fmt::format("group '{}' has no member '{}'", group, who))
                   : outcome_of(left.error_code, std::nullopt, who);
  }
  co_return out;
}

rt::task<result<std::map<topic_partition, committed_offset>>> admin::impl::group_offsets(
    call_token call, std::string group, std::optional<std::vector<topic_partition>> partitions) {
  const auto self = shared_from_this();
  co_return co_await fetch_committed(cluster_, std::move(group), std::move(partitions), false, std::move(call));
}

rt::task<result<outcomes<topic_partition>>> admin::impl::alter_group_offsets(
    call_token call, std::string group, std::map<topic_partition, committed_offset> offsets) {
  const auto self = shared_from_this();
  co_return co_await commit_offsets(cluster_, {.group_id = std::move(group), .member_id = {}, .instance_id = {}},
                                    std::move(offsets), std::move(call));
}

rt::task<result<outcomes<topic_partition>>> admin::impl::delete_group_offsets(call_token call, std::string group,
                                                                              std::vector<topic_partition> partitions) {
  const auto self = shared_from_this();
  std::ranges::sort(partitions);
  offset_delete_request request{.group_id = group};
  for (const topic_partition& partition : partitions) {
    if (request.topics.empty() || request.topics.back().name != partition.topic) {
      request.topics.push_back({.name = partition.topic});
    }
    request.topics.back().partitions.push_back({.partition_index = partition.partition});
  }
  MOLDAU_CO_TRY_ASSIGN(const auto answer, co_await ask_coordinator<offset_delete_response>(
                                              call, group, plainly<offset_delete_response>(request),
                                              [](const auto& a) { return passing(a->error_code); }));
  MOLDAU_CO_TRY(outcome_of(answer->error_code, std::nullopt, fmt::format("group '{}'", group)));
  outcomes<topic_partition> out;
  for (const auto& topic : answer->topics) {
    for (const auto& p : topic.partitions) {
      out[{std::string(topic.name), p.partition_index}] = outcome_of(p.error_code, std::nullopt, topic.name);
    }
  }
  co_return out;
}

}  // namespace moldau::client
