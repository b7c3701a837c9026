#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/join_group_request.hpp"
#include "wire/protocol/join_group_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::join_group_request;
using wire::protocol::join_group_response;

/// Before, a response must name a protocol.
constexpr std::int16_t nullable_protocol_since = 7;

rt::task<join_group_response> act(shard& at, request& what, const join_group_request& message) {
  const coord::caller from{what.api_version, what.client_id, what.peer->host};
  auto done = co_await ask_group<coord::join_result>(
      at, message.group_id, [&](auto& coordinator, coord::instant now, coord::reply<coord::join_result> reply) {
        coordinator.join(message, from, now, std::move(reply));
      });
  join_group_response out;
  if (!done) {
    out.error_code = done.error().code;
    out.member_id = message.member_id;
    if (what.api_version >= nullable_protocol_since) out.protocol_name = std::nullopt;
    co_return out;
  }
  const coord::join_result& joined = keep(what, *std::move(done));
  out.error_code = joined.error;
  out.generation_id = joined.generation;
  out.protocol_type = joined.protocol_type;
  out.protocol_name = joined.protocol_name;
  if (!out.protocol_name && what.api_version < nullable_protocol_since) out.protocol_name = "";
  out.leader = joined.leader;
  out.skip_assignment = joined.skip_assignment;
  out.member_id = joined.member_id;
  out.members.reserve(joined.members.size());
  for (const auto& member : joined.members) {
    out.members.push_back(
        {.member_id = member.id, .group_instance_id = member.instance_id, .metadata = member.metadata});
  }
  co_return out;
}

}  // namespace

rt::task<answer> join_group(shard& at, request& what) {
  return serve<join_group_request>(at, what, act);
}

}  // namespace moldau::broker
