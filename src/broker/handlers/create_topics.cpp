#include "broker/controller_call.hpp"
#include "broker/handlers.hpp"
#include "broker/serve.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::create_topics_request;
using wire::protocol::create_topics_response;

rt::task<create_topics_response> act(shard& at, request& what, const create_topics_request& message) {
  auto done = co_await ask_controller(at, [&](metadata::controller& controller, std::int64_t now_ms) {
    return controller.create_topics(message, now_ms, what.arena);
  });
  if (done) co_return *std::move(done);
  create_topics_response out;
  for (const auto& topic : message.topics) {
    auto& refused = out.topics.emplace_back();
    refused.name = topic.name;
    refused.error_code = done.error().code;
    refused.error_message = what.arena.store(std::string_view(done.error().message));
  }
  co_return out;
}

}  // namespace

rt::task<answer> create_topics(shard& at, request& what) {
  return serve<create_topics_request>(at, what, act);
}

}  // namespace moldau::broker
