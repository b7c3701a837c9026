#include <vector>

#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/leave_group_request.hpp"
#include "wire/protocol/leave_group_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::leave_group_request;
using wire::protocol::leave_group_response;

/// KIP-345: from here on several members leave at once, each with its own answer.
constexpr std::int16_t batched_since = 3;

rt::task<leave_group_response> act(shard& at, request& what, const leave_group_request& message) {
  const bool batched = what.api_version >= batched_since;
  std::vector<coord::leaving_member> members;
  if (!batched) members.push_back({.id = message.member_id});
  for (const auto& one : message.members) {
    members.push_back({.id = one.member_id, .instance_id = one.group_instance_id, .reason = one.reason});
  }
  const auto done = co_await ask_group<coord::leave_result>(
      at, message.group_id, [&](auto& coordinator, coord::instant now, coord::reply<coord::leave_result> reply) {
        coordinator.leave(message.group_id, members, now, std::move(reply));
      });
  leave_group_response out;
  out.error_code = done ? done->error : done.error().code;
  if (out.error_code != errc::none) co_return out;
  if (!batched) {
    out.error_code = done->members.front();
    co_return out;
  }
  out.members.reserve(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    out.members.push_back(
        {.member_id = members[i].id, .group_instance_id = members[i].instance_id, .error_code = done->members[i]});
  }
  co_return out;
}

}  // namespace

rt::task<answer> leave_group(shard& at, request& what) {
  return serve<leave_group_request>(at, what, act);
}

}  // namespace moldau::broker
