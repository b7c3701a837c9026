#include "testing/fake_broker/apis.hpp"
#include "wire/protocol/find_coordinator_request.hpp"
#include "wire/protocol/find_coordinator_response.hpp"

namespace moldau::testing::fake {
namespace {

using wire::protocol::find_coordinator_request;
using wire::protocol::find_coordinator_response;

constexpr std::int8_t group_key = 0;
/// KIP-699: several keys at once.
constexpr std::int16_t batched_since = 4;

find_coordinator_response::coordinator locate(std::string_view key, std::int8_t type, const call& what) {
  find_coordinator_response::coordinator out{.key = key, .node_id = no_broker, .host = "", .port = -1};
  out.error_code = what.judge([&] {
    if (type != group_key) return errc::invalid_request;
    const broker_id id = what.in.coordinator_of(key);
    if (id == no_broker) return errc::coordinator_not_available;
    out.node_id = id;
    out.host = what.in.options.host;
    out.port = what.in.brokers.at(id).port;
    return errc::none;
  });
  return out;
}

}  // namespace

outcome handle_find_coordinator(call& what) {
  return serve<find_coordinator_request, find_coordinator_response>(
      what, [&](const find_coordinator_request& asked, find_coordinator_response& out) {
        if (what.version >= batched_since) {
          for (const auto& key : asked.coordinator_keys) out.coordinators.push_back(locate(key, asked.key_type, what));
          return done;
        }
        const auto found = locate(asked.key, asked.key_type, what);
        out.error_code = found.error_code;
        out.node_id = found.node_id;
        out.host = found.host;
        out.port = found.port;
        return done;
      });
}

}  // namespace moldau::testing::fake
