#include "broker/handlers.hpp"
#include "broker/node.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "wire/protocol/init_producer_id_request.hpp"
#include "wire/protocol/init_producer_id_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::init_producer_id_request;
using wire::protocol::init_producer_id_response;

rt::task<init_producer_id_response> act(shard& at, request&, const init_producer_id_request& message) {
  init_producer_id_response out;
  out.producer_id = no_producer_id;
  out.producer_epoch = no_producer_epoch;
  if (message.transactional_id) {
    // An empty one is a client's mistake; any other needs the transaction coordinator, which isn't built.
    out.error_code = message.transactional_id->empty() ? errc::invalid_request : errc::unsupported_version;
    co_return out;
  }
  node& owner = at.owner();
  auto id = co_await at.world().call_on(0, [&] { return owner.ids().next(); });
  if (id) {
    out.producer_id = *id;
    out.producer_epoch = producer_epoch(0);
  } else {
    out.error_code = id.error().code;
  }
  co_return out;
}

}  // namespace

rt::task<answer> init_producer_id(shard& at, request& what) {
  return serve<init_producer_id_request>(at, what, act);
}

}  // namespace moldau::broker
