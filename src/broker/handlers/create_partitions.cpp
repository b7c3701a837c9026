#include "broker/controller_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/create_partitions_request.hpp"
#include "wire/protocol/create_partitions_response.hpp"

namespace moldau::broker {

rt::task<answer> create_partitions(shard& at, request& what) {
  return serve_by_controller<wire::protocol::create_partitions_request>(
      at, what, [](metadata::controller& controller, const auto& message, std::int64_t now_ms, wire::arena& arena) {
        return controller.create_partitions(message, now_ms, arena);
      });
}

}  // namespace moldau::broker
