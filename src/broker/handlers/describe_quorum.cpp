#include "broker/handlers.hpp"
#include "broker/node.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "wire/protocol/describe_quorum_request.hpp"
#include "wire/protocol/describe_quorum_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::describe_quorum_request;
using wire::protocol::describe_quorum_response;

rt::task<describe_quorum_response> act(shard& at, request& what, const describe_quorum_request& message) {
  node& owner = at.owner();
  co_return co_await at.world().call_on(0, [&]() -> rt::task<describe_quorum_response> {
    co_return owner.metadata().quorum().describe(message, owner.main_world().wall_ms(), what.arena);
  });
}

}  // namespace

rt::task<answer> describe_quorum(shard& at, request& what) {
  return serve<describe_quorum_request>(at, what, act);
}

}  // namespace moldau::broker
