#pragma once

#include <cstdint>
#include <span>

#include "broker/request.hpp"
#include "rt/task.hpp"
#include "wire/protocol/api_keys.hpp"

namespace moldau::broker {

class shard;

/// One API that this broker serves: by whom, and in which versions.
struct api_entry {
  wire::protocol::api_key key;
  rt::task<answer> (*handler)(shard&, request&);
  /// The schemas' last stable version, unless the broker doesn't build it yet.
  std::int16_t max_version;

  [[nodiscard]] std::int16_t min_version() const { return wire::protocol::info(key).min_version; }
};

/// Every API that is served, in rising order of key: what ApiVersions announces.
[[nodiscard]] std::span<const api_entry> served_apis();

/// Answers a request by its API's handler. An API or version that isn't served closes the connection, as Kafka's broker
/// does; only ApiVersions answers an unknown version (KIP-511).
[[nodiscard]] rt::task<answer> dispatch(shard& at, request& what);

}  // namespace moldau::broker
