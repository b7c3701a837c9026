#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/heartbeat_request.hpp"
#include "wire/protocol/heartbeat_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::heartbeat_request;
using wire::protocol::heartbeat_response;

rt::task<heartbeat_response> act(shard& at, request&, const heartbeat_request& message) {
  const auto done = co_await ask_group<errc>(at, message.group_id,
                                             [&](auto& coordinator, coord::instant now, coord::reply<errc> reply) {
                                               coordinator.heartbeat(message, now, std::move(reply));
                                             });
  heartbeat_response out;
  out.error_code = done ? *done : done.error().code;
  // While groups are loaded nobody can tell whether the member is one: it goes on.
  if (out.error_code == errc::coordinator_load_in_progress) out.error_code = errc::none;
  co_return out;
}

}  // namespace

rt::task<answer> heartbeat(shard& at, request& what) {
  return serve<heartbeat_request>(at, what, act);
}

}  // namespace moldau::broker
