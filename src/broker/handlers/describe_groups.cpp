#include <vector>

#include "broker/authorized_operations.hpp"
#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/describe_groups_request.hpp"
#include "wire/protocol/describe_groups_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::describe_groups_request;
using wire::protocol::describe_groups_response;

constexpr std::int16_t operations_since = 3;

/// What it takes, encoded or not.
std::size_t size_of(const coord::described_group& group) {
  std::size_t out = sizeof group + sizeof(describe_groups_response::described_group);
  for (const auto& member : group.members) {
    out += sizeof member + sizeof(describe_groups_response::described_group_member) + member.id.size() +
           member.client_id.size() + member.client_host.size() + member.metadata.size() + member.assignment.size();
  }
  return out;
}

coord::described_group too_large() {
  coord::described_group out;
  out.error = errc::invalid_request;
  out.error_message = response_room::refusal;
  return out;
}

rt::task<describe_groups_response> act(shard& at, request& what, const describe_groups_request& message) {
  std::vector<coord::described_group> described;
  response_room room(at, what);
  bool full = false;
  for (const std::string_view group : message.groups) {
    if (full) {
      described.push_back(too_large());
      continue;
    }
    auto one = co_await ask_group<coord::described_group>(
        at, group, [&](auto& coordinator, coord::instant, coord::reply<coord::described_group> reply) {
          reply(coordinator.describe(group, what.api_version));
        });
    described.push_back(one ? *std::move(one) : coord::described_group{.error = one.error().code});
    full = !co_await room.take(size_of(described.back()));
    if (full) described.back() = too_large();
  }
  const auto& groups = keep(what, std::move(described));
  describe_groups_response out;
  out.groups.reserve(groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const coord::described_group& from = groups[i];
    auto& to = out.groups.emplace_back();
    to.error_code = from.error;
    if (!from.error_message.empty()) to.error_message = from.error_message;
    to.group_id = message.groups[i];
    to.group_state = from.state;
    to.protocol_type = from.protocol_type;
    to.protocol_data = from.protocol;
    for (const auto& member : from.members) {
      to.members.push_back({.member_id = member.id,
                            .group_instance_id = member.instance_id,
                            .client_id = member.client_id,
                            .client_host = member.client_host,
                            .member_metadata = member.metadata,
                            .member_assignment = member.assignment});
    }
    if (what.api_version >= operations_since && message.include_authorized_operations && from.error == errc::none) {
      to.authorized_operations = group_operations;
    }
  }
  co_return out;
}

}  // namespace

rt::task<answer> describe_groups(shard& at, request& what) {
  return serve<describe_groups_request>(at, what, act);
}

}  // namespace moldau::broker
