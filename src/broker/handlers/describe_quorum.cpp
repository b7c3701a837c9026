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
  auto out = co_await at.world().call_on(0, [&]() -> rt::task<describe_quorum_response> {
    co_return owner.metadata().quorum().describe(message, owner.main_world().wall_ms(), what.arena);
  });
  if (what.api_version < 2) {
    // KIP-853 came with version 2: directories and addresses can't be told before.
    out.nodes.clear();
    for (auto& topic : out.topics) {
      for (auto& partition : topic.partitions) {
        for (auto* replicas : {&partition.current_voters, &partition.observers}) {
          for (auto& replica : *replicas) replica.replica_directory_id = uuid{};
        }
      }
    }
  }
  co_return out;
}

}  // namespace

rt::task<answer> describe_quorum(shard& at, request& what) {
  return serve<describe_quorum_request>(at, what, act);
}

}  // namespace moldau::broker
