#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/executor.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/world.hpp"

namespace moldau::client {

/// Properties by Kafka's names, as a file or a command line gives them.
using properties = std::map<std::string, std::string, std::less<>>;

enum class log_severity : unsigned char { debug, info, warn, error };

/// What every client is told: where the cluster is, and how patient to be.
struct client_options {
  /// "host:port" of brokers to begin with; the others are learned. No default. `bootstrap.servers`
  std::vector<std::string> bootstrap_servers;
  /// Shown in the brokers' logs and quotas. Default: "moldau". `client.id`
  std::string client_id = "moldau";
  /// The longest wait for one answer, in ms; past it the connection is given up. Default: 30000. `request.timeout.ms`
  std::int64_t request_timeout_ms = 30'000;
  /// The longest that a call may take with all its retries, in ms. Default: 60000. `default.api.timeout.ms`
  std::int64_t api_timeout_ms = 60'000;
  /// The wait before the first retry, in ms; it doubles with each. Default: 100. `retry.backoff.ms`
  std::int64_t retry_backoff_ms = 100;
  /// The most that it grows to, in ms. Default: 1000. `retry.backoff.max.ms`
  std::int64_t retry_backoff_max_ms = 1'000;
  /// How old what is known of topics may get, in ms. Default: 300000. `metadata.max.age.ms`
  std::int64_t metadata_max_age_ms = 300'000;
  /// The longest that connecting may take, in ms. Default: 10000. `socket.connection.setup.timeout.ms`
  std::int64_t connect_timeout_ms = 10'000;

  /// Default: the real one.
  moldau::world world;
  /// Where handlers and resumptions run. Default: on the client's I/O thread. Must outlive the client.
  executor* handlers = nullptr;
  /// Takes log lines, on the I/O thread. Default: they are dropped.
  std::function<void(log_severity, std::string_view)> log;

  /// From Kafka's property names; those of producers and consumers are left alone.
  /// Errors: `errc::invalid_argument` with every mistake, a line each.
  [[nodiscard]] static result<client_options> from_properties(const properties& from);
};

}  // namespace moldau::client
