#pragma once

#include <utility>

#include "broker/node.hpp"
#include "broker/shard.hpp"

namespace moldau::broker {

/// Carries a request to this node's controller on core 0 and its response back, from any core:
/// `co_await ask_controller(at, [&](metadata::controller& c, std::int64_t now_ms) { return c.create_topics(…); })`.
///
/// The handler runs on core 0; what it views must stay where it is until the answer has come, which it does in a
/// request handler's frame. Errors: the metadata log can't be written any more.
template <typename Handler>
auto ask_controller(shard& at, Handler handler) {
  return at.world().call_on(0, [&owner = at.owner(), handler = std::move(handler)]() mutable {
    return owner.metadata().call(std::move(handler));
  });
}

}  // namespace moldau::broker
