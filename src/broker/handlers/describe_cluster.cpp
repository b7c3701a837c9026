#include <fmt/format.h>

#include "broker/authorized_operations.hpp"
#include "broker/handlers.hpp"
#include "broker/node.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "wire/protocol/describe_cluster_request.hpp"
#include "wire/protocol/describe_cluster_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::describe_cluster_request;
using wire::protocol::describe_cluster_response;

// KIP-919: whom a client wants to talk to.
constexpr std::int8_t brokers_wanted = 1;
constexpr std::int8_t controllers_wanted = 2;

void list_brokers(const shard& at, const request& what, const describe_cluster_request& message,
                  describe_cluster_response& out) {
  for (const auto& [id, broker] : *at.image().brokers) {
    if (broker->fenced && !message.include_fenced_brokers) continue;
    const auto* listener = broker->find_listener(what.peer->listener);
    if (listener == nullptr) continue;
    auto& to = out.brokers.emplace_back();
    to.broker_id = id;
    to.host = listener->host;
    to.port = listener->port;
    to.is_fenced = broker->fenced;
    if (broker->rack) to.rack = *broker->rack;
  }
  for (const auto& one : out.brokers) {
    if (!one.is_fenced) out.controller_id = one.broker_id;
  }
}

void list_controllers(shard& at, const request& what, describe_cluster_response& out) {
  for (const advertised_listener& listener : at.owner().listeners()) {
    if (!listener.controller || listener.name != what.peer->listener) continue;
    auto& to = out.brokers.emplace_back();
    to.broker_id = at.owner().id();
    to.host = listener.host;
    to.port = listener.port;
    out.controller_id = at.owner().id();
  }
}

rt::task<describe_cluster_response> act(shard& at, request& what, const describe_cluster_request& message) {
  describe_cluster_response out;
  // The strings of the answer live in this image.
  what.keep_alive = std::make_shared<cluster_view>(at.view());
  out.cluster_id = at.owner().cluster_id();
  out.endpoint_type = message.endpoint_type;
  const std::int8_t here = what.peer->controller ? controllers_wanted : brokers_wanted;
  if (message.endpoint_type != brokers_wanted && message.endpoint_type != controllers_wanted) {
    out.error_code = errc::unsupported_endpoint_type;
    out.error_message = what.arena.store(fmt::format("Unsupported endpoint type {}", message.endpoint_type));
  } else if (message.endpoint_type != here) {
    out.error_code = errc::mismatched_endpoint_type;
    out.error_message =
        what.peer->controller
            ? "The request was sent to an endpoint of type CONTROLLER, but we wanted an endpoint of type BROKER"
            : "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER";
  } else if (what.peer->controller) {
    list_controllers(at, what, out);
  } else {
    list_brokers(at, what, message, out);
  }
  if (message.include_cluster_authorized_operations && out.error_code == errc::none) {
    out.cluster_authorized_operations = cluster_operations;
  }
  co_return out;
}

}  // namespace

rt::task<answer> describe_cluster(shard& at, request& what) {
  return serve<describe_cluster_request>(at, what, act);
}

}  // namespace moldau::broker
