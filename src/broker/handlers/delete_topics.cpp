#include "broker/controller_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/delete_topics_request.hpp"
#include "wire/protocol/delete_topics_response.hpp"

namespace moldau::broker {

rt::task<answer> delete_topics(shard& at, request& what) {
  return serve_by_controller<wire::protocol::delete_topics_request>(
      at, what, [](metadata::controller& controller, const auto& message, std::int64_t now_ms, wire::arena& arena) {
        return controller.delete_topics(message, now_ms, arena);
      });
}

}  // namespace moldau::broker
