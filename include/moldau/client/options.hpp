#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/client/statistics.hpp"
#include "moldau/core/executor.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/world.hpp"

namespace moldau::client {

/// Properties by Kafka's names, as a file or a command line gives them.
using properties = std::map<std::string, std::string, std::less<>>;

enum class log_severity : unsigned char { debug, info, warn, error };

/// What to do when no broker that is known answers any more (KIP-899).
enum class metadata_recovery : unsigned char {
  none,         ///< Go on asking them.
  rebootstrap,  ///< Begin again with the bootstrap servers, whose addresses may have changed.
};

/// What every client is told: where the cluster is, and how patient to be.
struct client_options {
  /// "host:port" of brokers to begin with; the others are learned. A name is looked up at every connecting, and all its
  /// addresses are tried. No default. `bootstrap.servers`
  ///
  /// All of one cluster. When a broker's metadata carry another cluster's id than before, the log says so (severity
  /// error), the answer is refused, and the client begins again with the bootstrap servers, in whatever cluster they
  /// lead to, with nothing that it knew of the other. With `metadata_recovery::none` the call fails with
  /// `errc::inconsistent_cluster_id`. Until metadata are asked for, a broker of another cluster behind an old address
  /// isn't recognised.
  std::vector<std::string> bootstrap_servers = {};
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

  /// The longest that connecting may take, in ms; it doubles with each failure in a row...
  /// Default: 10000. `socket.connection.setup.timeout.ms`
  std::int64_t connect_timeout_ms = 10'000;
  /// ...up to this. Default: 30000. `socket.connection.setup.timeout.max.ms`
  std::int64_t connect_timeout_max_ms = 30'000;
  /// How long a broker that couldn't be reached is left alone, in ms; it doubles with each failure in a row...
  /// Default: 50. `reconnect.backoff.ms`
  std::int64_t reconnect_backoff_ms = 50;
  /// ...up to this. Default: 1000. `reconnect.backoff.max.ms`
  std::int64_t reconnect_backoff_max_ms = 1'000;
  /// A connection that nothing went over for so long is closed, in ms; -1: never. Default: 540000.
  /// `connections.max.idle.ms`
  std::int64_t connections_idle_max_ms = 540'000;
  /// The kernel's buffer for what is sent, in bytes; -1 lets it grow by itself. Default: -1 (Kafka's is 131072).
  /// `send.buffer.bytes`
  std::int32_t send_buffer_bytes = -1;
  /// The kernel's buffer for what is received, in bytes; -1 lets it grow by itself. Default: -1 (Kafka's is 65536).
  /// `receive.buffer.bytes`
  std::int32_t receive_buffer_bytes = -1;

  /// How old what is known of topics may get, in ms. Default: 300000. `metadata.max.age.ms`
  std::int64_t metadata_max_age_ms = 300'000;
  /// Default: rebootstrap. `metadata.recovery.strategy`
  client::metadata_recovery metadata_recovery = client::metadata_recovery::rebootstrap;
  /// Nobody answering for so long, in ms, makes the client begin again with the bootstrap servers (KIP-1102), though
  /// some broker may still take connections. Default: 300000. `metadata.recovery.rebootstrap.trigger.ms`
  std::int64_t rebootstrap_trigger_ms = 300'000;

  /// Default: the real one.
  moldau::world world = {};
  /// Where handlers and resumptions run. Default: on the client's I/O thread. Must outlive the client.
  executor* handlers = nullptr;
  /// Takes log lines, on the I/O thread. Default: they are dropped.
  std::function<void(log_severity, std::string_view)> log = {};
  /// Takes the statistics at every interval, on the I/O thread. Default: nobody does.
  std::function<void(const client::statistics&)> on_statistics = {};
  /// In ms; 0: never. Default: 0. librdkafka's `statistics.interval.ms`
  std::int64_t statistics_interval_ms = 0;

  /// Properties that `from_properties` knew and that mean nothing here (a Java class, say); the log names them.
  std::vector<std::string> ignored_properties = {};

  /// From Kafka's property names; those of producers and consumers are left alone.
  /// Errors: `errc::invalid_argument` with every mistake, a line each, and the nearest name for one that nobody knows.
  [[nodiscard]] static result<client_options> from_properties(const properties& from);
};

}  // namespace moldau::client
