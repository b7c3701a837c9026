#include <algorithm>
#include <cctype>

#include "broker/dispatch.hpp"
#include "broker/handlers.hpp"
#include "broker/node.hpp"
#include "broker/serve.hpp"
#include "broker/shard.hpp"
#include "metadata/format.hpp"
#include "wire/protocol/api_versions_request.hpp"
#include "wire/protocol/api_versions_response.hpp"

namespace moldau::broker {
namespace {

using wire::protocol::api_key;
using wire::protocol::api_versions_request;
using wire::protocol::api_versions_response;

/// Librdkafka turns compression off for brokers that don't announce Produce from 0 on, so Kafka announces it, and
/// serves it from 3.
constexpr std::int16_t announced_produce_min_version = 0;

/// KIP-511: letters, digits, dots and hyphens, beginning and ending with a letter or digit.
bool is_software_text(std::string_view text) {
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return !text.empty() && alnum(text.front()) && alnum(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return alnum(c) || c == '.' || c == '-'; });
}

std::vector<api_versions_response::api_version> announced(bool to_controller) {
  std::vector<api_versions_response::api_version> out;
  for (const api_entry& api : served_apis()) {
    const auto& info = wire::protocol::info(api.key);
    if (to_controller ? !info.controller : !info.broker) continue;
    out.push_back({.api_key = static_cast<std::int16_t>(api.key),
                   .min_version = api.key == api_key::produce ? announced_produce_min_version : api.min_version(),
                   .max_version = api.max_version});
  }
  return out;
}

}  // namespace

rt::task<answer> api_versions(shard& at, request& what) {
  api_versions_response out;
  const std::int16_t max_version = wire::protocol::info(api_key::api_versions).max_version;
  if (what.api_version < 0 || what.api_version > max_version) {
    // KIP-511: an unknown version is answered in version 0, with the versions that would have done.
    what.api_version = 0;
    out.error_code = errc::unsupported_version;
    out.api_keys.push_back(
        {.api_key = static_cast<std::int16_t>(api_key::api_versions), .min_version = 0, .max_version = max_version});
    co_return answer_with(at, what, encode_response(what, out));
  }
  const auto message = decode_request<api_versions_request>(at, what);
  if (!message) co_return answer::close_connection();
  if (what.api_version >= 3) {
    if (!is_software_text(message->client_software_name) || !is_software_text(message->client_software_version)) {
      out.error_code = errc::invalid_request;
      co_return answer_with(at, what, encode_response(what, out));
    }
    what.peer->software_name = message->client_software_name;
    what.peer->software_version = message->client_software_version;
  }
  out.api_keys = announced(what.peer->controller);
  for (const auto& [name, range] : metadata::supported_features()) {
    // Before version 4 a client can't read a range that starts at 0 (KAFKA-17011).
    if (what.api_version < 4 && range.min == 0) continue;
    out.supported_features.push_back({.name = name, .min_version = range.min, .max_version = range.max});
  }
  const metadata::image& image = at.image();
  out.finalized_features_epoch = image.provenance.last_offset.value();
  for (const auto& [name, level] : *image.features) {
    out.finalized_features.push_back(
        {.name = what.arena.store(std::string_view(name)), .max_version_level = level, .min_version_level = level});
  }
  if (const std::int16_t level = at.owner().kraft_version(); level > 0) {
    out.finalized_features.push_back({.name = "kraft.version", .max_version_level = level, .min_version_level = level});
  }
  co_return answer_with(at, what, encode_response(what, out));
}

}  // namespace moldau::broker
