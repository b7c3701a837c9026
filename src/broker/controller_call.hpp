#pragma once

#include <utility>

#include "broker/node.hpp"
#include "broker/serve.hpp"
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

/// The frame of a handler whose work is all the controller's: `act(controller, message, now_ms, arena)` gives the
/// outcome. A metadata log that can't be written any more is about to stop the node: the connection is closed.
template <typename Request, typename Act>
rt::task<answer> serve_by_controller(shard& at, request& what, Act act) {
  const auto message = decode_request<Request>(at, what);
  if (!message) co_return answer::close_connection();
  auto done = co_await ask_controller(at, [&](metadata::controller& controller, std::int64_t now_ms) {
    return act(controller, *message, now_ms, what.arena);
  });
  if (!done) co_return answer::close_connection();
  co_return answer_with(at, what, encode_response(what, *done));
}

}  // namespace moldau::broker
