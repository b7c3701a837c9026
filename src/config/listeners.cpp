#include "config/listeners.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "config/text.hpp"

namespace moldau::config {
namespace {

std::unexpected<error> invalid(std::string message) {
  return fail(errc::invalid_config, std::move(message));
}

result<std::uint16_t> parse_port(std::string_view text) {
  std::uint32_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size() || port > 65535) {
    return invalid(fmt::format("'{}' is not a port: it must be a number from 0 to 65535.", text));
  }
  return static_cast<std::uint16_t>(port);
}

bool is_host(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-%._:").contains(c);
  });
}

// With an empty host allowed, since a listener may leave it out.
result<host_port> split_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid(fmt::format("'{}' has no port: write host:port.", text));
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  if (!is_host(host)) return invalid(fmt::format("'{}' is not a host name or address.", host));
  MOLDAU_TRY_ASSIGN(const std::uint16_t port, parse_port(text.substr(colon + 1)));
  return host_port{std::string(host), port};
}

std::optional<security_protocol> protocol_of(std::string_view text) {
  const std::string upper = upper_case(text);
  for (const auto p : {security_protocol::plaintext, security_protocol::ssl, security_protocol::sasl_plaintext,
                       security_protocol::sasl_ssl}) {
    if (name(p) == upper) return p;
  }
  return std::nullopt;
}

bool is_ipv4(std::string_view host) {
  int dots = 0;
  for (const char c : host) {
    if (c == '.') {
      ++dots;
    } else if (c < '0' || c > '9') {
      return false;
    }
  }
  return dots == 3;
}

bool is_ipv6(std::string_view host) {
  return host.contains(':');
}

// Kafka's rule: a port is used once, or by exactly one IPv4 and one IPv6 address.
result<void> check_ports(std::span<const endpoint> endpoints) {
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    std::vector<const endpoint*> same;
    for (const endpoint& other : endpoints.subspan(i)) {
      if (other.port == endpoints[i].port && other.port != 0) same.push_back(&other);
    }
    if (same.size() < 2) continue;
    const bool one_of_each = same.size() == 2 && ((is_ipv4(same[0]->host) && is_ipv6(same[1]->host)) ||
                                                  (is_ipv6(same[0]->host) && is_ipv4(same[1]->host)));
    if (!one_of_each) {
      return invalid(
          fmt::format("Port {} is used by more than one listener: give each its own, or use it for one IPv4 "
                      "and one IPv6 address.",
                      endpoints[i].port));
    }
  }
  return {};
}

}  // namespace

std::string_view name(security_protocol protocol) {
  switch (protocol) {
    case security_protocol::plaintext:
      return "PLAINTEXT";
    case security_protocol::ssl:
      return "SSL";
    case security_protocol::sasl_plaintext:
      return "SASL_PLAINTEXT";
    case security_protocol::sasl_ssl:
      return "SASL_SSL";
  }
  return "UNKNOWN";
}

result<host_port> parse_host_port(std::string_view text) {
  MOLDAU_TRY_ASSIGN(host_port out, split_host_port(text));
  if (out.host.empty()) return invalid(fmt::format("'{}' has no host: write host:port.", text));
  return out;
}

result<protocol_map> parse_protocol_map(std::string_view text) {
  protocol_map out;
  for (const std::string& entry : split_list(text)) {
    const auto colon = entry.rfind(':');
    if (colon == std::string::npos) return invalid(fmt::format("'{}' must be written NAME:PROTOCOL.", entry));
    const auto protocol = protocol_of(trimmed(std::string_view(entry).substr(colon + 1)));
    if (!protocol) {
      return invalid(
          fmt::format("'{}' names no security protocol: it must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, "
                      "SASL_SSL.",
                      entry));
    }
    out[upper_case(trimmed(std::string_view(entry).substr(0, colon)))] = *protocol;
  }
  return out;
}

result<endpoint> parse_endpoint(std::string_view text, const protocol_map& protocols) {
  const auto mark = text.find("://");
  if (mark == std::string_view::npos || mark == 0) {
    return invalid(fmt::format("'{}' must be written NAME://host:port.", text));
  }
  endpoint out;
  out.listener = upper_case(text.substr(0, mark));
  const auto protocol = protocols.find(out.listener);
  if (protocol == protocols.end()) {
    return invalid(
        fmt::format("No security protocol is known for the listener {}: add {}:PLAINTEXT (or another) to "
                    "listener.security.protocol.map.",
                    out.listener, out.listener));
  }
  out.protocol = protocol->second;
  MOLDAU_TRY_ASSIGN(host_port address, split_host_port(text.substr(mark + 3)));
  out.host = std::move(address.host);
  out.port = address.port;
  return out;
}

result<std::vector<endpoint>> parse_endpoints(std::span<const std::string> entries, const protocol_map& protocols,
                                              bool distinct_ports) {
  std::vector<endpoint> out;
  std::set<std::string> names;
  // All that are wrong are told at once.
  std::string mistakes;
  const auto wrong = [&](std::string_view message) { mistakes.append(mistakes.empty() ? "" : " ").append(message); };
  for (const std::string& entry : entries) {
    auto parsed = parse_endpoint(entry, protocols);
    if (!parsed) {
      wrong(parsed.error().message);
    } else if (!names.insert(parsed->listener).second) {
      wrong(fmt::format("Each listener needs a name of its own: {} stands there twice.", parsed->listener));
    } else {
      out.push_back(*std::move(parsed));
    }
  }
  if (!mistakes.empty()) return invalid(std::move(mistakes));
  if (distinct_ports) MOLDAU_TRY(check_ports(out));
  return out;
}

result<std::vector<voter>> parse_voters(std::span<const std::string> entries) {
  std::vector<voter> out;
  for (const std::string& entry : entries) {
    const auto at = entry.find('@');
    std::int32_t id = -1;
    if (at != std::string::npos) {
      const auto [end, failure] = std::from_chars(entry.data(), entry.data() + at, id);
      if (failure != std::errc{} || end != entry.data() + at) id = -1;
    }
    if (id < 0) return invalid(fmt::format("'{}' must be written id@host:port.", entry));
    MOLDAU_TRY_ASSIGN(host_port address, parse_host_port(std::string_view(entry).substr(at + 1)));
    out.push_back({broker_id(id), std::move(address)});
  }
  return out;
}

result<std::vector<host_port>> parse_servers(std::span<const std::string> entries) {
  std::vector<host_port> out;
  for (const std::string& entry : entries) {
    MOLDAU_TRY_ASSIGN(host_port address, parse_host_port(entry));
    out.push_back(std::move(address));
  }
  return out;
}

}  // namespace moldau::config
