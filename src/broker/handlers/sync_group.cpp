#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/sync_group_request.hpp"
#include "wire/protocol/sync_group_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::sync_group_request;
using wire::protocol::sync_group_response;

/// KIP-559: from here on the protocol must be named.
constexpr std::int16_t protocol_required_since = 5;

rt::task<sync_group_response> act(shard& at, request& what, const sync_group_request& message) {
  sync_group_response out;
  if (what.api_version >= protocol_required_since && (!message.protocol_type || !message.protocol_name)) {
    out.error_code = errc::inconsistent_group_protocol;
    co_return out;
  }
  auto done = co_await ask_group<coord::sync_result>(
      at, message.group_id, [&](auto& coordinator, coord::instant now, coord::reply<coord::sync_result> reply) {
        coordinator.sync(message, now, std::move(reply));
      });
  if (!done) {
    out.error_code = done.error().code;
    co_return out;
  }
  const coord::sync_result& synced = keep(what, *std::move(done));
  out.error_code = synced.error;
  out.protocol_type = synced.protocol_type;
  out.protocol_name = synced.protocol_name;
  out.assignment = synced.assignment;
  co_return out;
}

}  // namespace

rt::task<answer> sync_group(shard& at, request& what) {
  return serve<sync_group_request>(at, what, act);
}

}  // namespace moldau::broker
