#include "broker/controller_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/update_features_request.hpp"
#include "wire/protocol/update_features_response.hpp"

namespace moldau::broker {

rt::task<answer> update_features(shard& at, request& what) {
  return serve_by_controller<wire::protocol::update_features_request>(
      at, what,
      [version = what.api_version](metadata::controller& controller, const auto& message, std::int64_t now_ms,
                                   wire::arena& arena) {
        return controller.update_features(message, version, now_ms, arena);
      });
}

}  // namespace moldau::broker
