#include "broker/controller_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/incremental_alter_configs_request.hpp"
#include "wire/protocol/incremental_alter_configs_response.hpp"

namespace moldau::broker {

rt::task<answer> incremental_alter_configs(shard& at, request& what) {
  return serve_by_controller<wire::protocol::incremental_alter_configs_request>(
      at, what, [](metadata::controller& controller, const auto& message, std::int64_t now_ms, wire::arena& arena) {
        return controller.incremental_alter_configs(message, now_ms, arena);
      });
}

}  // namespace moldau::broker
