#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::config {

/// How a listener speaks; numbered as in Kafka's metadata records.
enum class security_protocol : std::int16_t { plaintext = 0, ssl = 1, sasl_plaintext = 2, sasl_ssl = 3 };

[[nodiscard]] std::string_view name(security_protocol protocol);

/// A named address: something to listen on, or something to tell clients.
struct endpoint {
  /// In upper case, as Kafka compares them.
  std::string listener;
  security_protocol protocol = security_protocol::plaintext;
  /// Empty: every address of the machine.
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

struct host_port {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const host_port&, const host_port&) = default;
};

/// A member of a static quorum (`controller.quorum.voters`).
struct voter {
  broker_id id;
  host_port address;

  friend bool operator==(const voter&, const voter&) = default;
};

using protocol_map = std::map<std::string, security_protocol, std::less<>>;

/// "host:port", "[v6]:port". Errors: `errc::invalid_config`, without the property's name.
[[nodiscard]] result<host_port> parse_host_port(std::string_view text);

/// `listener.security.protocol.map`: "INTERNAL:PLAINTEXT,CLIENT:SASL_SSL".
[[nodiscard]] result<protocol_map> parse_protocol_map(std::string_view text);

/// One "NAME://host:port".
[[nodiscard]] result<endpoint> parse_endpoint(std::string_view text, const protocol_map& protocols);

/// A list of them, each name once; with `distinct_ports` also each port, unless it is one IPv4 and one IPv6 address.
[[nodiscard]] result<std::vector<endpoint>> parse_endpoints(std::span<const std::string> entries,
                                                            const protocol_map& protocols, bool distinct_ports);

/// `controller.quorum.voters`: "1@host:9093,2@host:9093".
[[nodiscard]] result<std::vector<voter>> parse_voters(std::span<const std::string> entries);

/// `controller.quorum.bootstrap.servers`.
[[nodiscard]] result<std::vector<host_port>> parse_servers(std::span<const std::string> entries);

}  // namespace moldau::config
