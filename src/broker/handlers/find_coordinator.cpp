#include <vector>

#include "broker/auto_create.hpp"
#include "broker/group_call.hpp"
#include "broker/handlers.hpp"
#include "wire/protocol/find_coordinator_request.hpp"
#include "wire/protocol/find_coordinator_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::find_coordinator_request;
using wire::protocol::find_coordinator_response;

constexpr std::int8_t group_key = 0;
constexpr std::int8_t transaction_key = 1;
constexpr std::int8_t share_key = 2;

/// KIP-699: several keys at once.
constexpr std::int16_t batched_since = 4;
/// KIP-932: from here on share coordinators may be asked for.
constexpr std::int16_t share_since = 6;

find_coordinator_response::coordinator refused(std::string_view key, errc code, std::optional<std::string_view> why) {
  return {.key = key, .node_id = no_broker, .host = "", .port = -1, .error_code = code, .error_message = why};
}

find_coordinator_response::coordinator locate(shard& at, request& what, std::string_view key, std::int8_t type) {
  if (type == transaction_key) {
    return refused(key, errc::unsupported_version,
                   "This broker has no transactions yet; produce without a transactional.id.");
  }
  if (type == share_key && what.api_version >= share_since) {
    return refused(key, errc::unsupported_version, "This broker has no share groups yet.");
  }
  if (type != group_key) return refused(key, errc::invalid_request, "No coordinator has that type of key.");
  const auto missing = [&] {
    return refused(key, errc::coordinator_not_available, "The coordinator is not available.");
  };
  const auto place = place_of_group(at, key);
  const metadata::topic* topic = place ? at.image().find_topic(place->topic) : nullptr;
  const metadata::partition* partition = topic == nullptr ? nullptr : topic->find(place->partition);
  const auto* broker = partition == nullptr ? nullptr : at.image().find_broker(partition->leader);
  if (broker == nullptr || broker->fenced) return missing();
  const auto* listener = broker->find_listener(what.peer->listener);
  if (listener == nullptr) return missing();
  return {.key = key,
          .node_id = broker->id,
          .host = what.arena.store(listener->host),
          .port = listener->port,
          .error_code = errc::none,
          .error_message = what.api_version >= batched_since ? std::optional<std::string_view>("") : std::nullopt};
}

rt::task<find_coordinator_response> act(shard& at, request& what, const find_coordinator_request& message) {
  // The topic of groups is made when the first client asks for one.
  if (message.key_type == group_key && at.find_topic(offsets_topic) == nullptr) {
    co_await auto_create(at, {std::string(offsets_topic)});
  }
  find_coordinator_response out;
  if (what.api_version >= batched_since) {
    out.coordinators.reserve(message.coordinator_keys.size());
    for (const std::string_view key : message.coordinator_keys) {
      out.coordinators.push_back(locate(at, what, key, message.key_type));
    }
    co_return out;
  }
  const auto found = locate(at, what, message.key, message.key_type);
  out.error_code = found.error_code;
  out.error_message = found.error_code == errc::none ? std::optional<std::string_view>("NONE") : found.error_message;
  out.node_id = found.node_id;
  out.host = found.host;
  out.port = found.port;
  co_return out;
}

}  // namespace

rt::task<answer> find_coordinator(shard& at, request& what) {
  return serve<find_coordinator_request>(at, what, act);
}

}  // namespace moldau::broker
