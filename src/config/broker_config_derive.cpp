#include <fmt/format.h>

#include <algorithm>

#include "config/broker_config_builder.hpp"
#include "config/text.hpp"

namespace moldau::config {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view listener) {
  return std::ranges::any_of(names, [&](const std::string& n) { return equal_ignoring_case(n, listener); });
}

bool is_secure_name(std::string_view listener) {
  return listener == "SSL" || listener == "SASL_SSL" || listener == "SASL_PLAINTEXT";
}

}  // namespace

void broker_config_builder::derive() {
  const auto& roles = out.list("process.roles");
  out.broker_role_ = contains(roles, "broker");
  out.controller_role_ = contains(roles, "controller");
  out.log_dirs_ = out.is_null("log.dirs") ? out.list("log.dir") : out.list("log.dirs");
  derive_protocols();
  if (!broken.contains("listener.security.protocol.map")) {
    derive_listeners();
    derive_inter_broker_listener();
  }
  derive_quorum();
}

void broker_config_builder::derive_protocols() {
  constexpr std::string_view property = "listener.security.protocol.map";
  auto parsed = parse_protocol_map(out.string(property));
  if (!parsed) {
    broken.insert(std::string(property));
    wrong(property, fmt::format("{}: {}", property, parsed.error().message));
    return;
  }
  out.protocols_ = *std::move(parsed);
  if (out.static_.contains(property)) return;
  // Kafka's rule: without a map of one's own, controller listeners are PLAINTEXT, unless anything here is secure.
  const auto& controllers = out.list("controller.listener.names");
  const auto& listeners = out.list("listeners");
  const bool secure =
      std::ranges::any_of(controllers, is_secure_name) || std::ranges::any_of(listeners, [](std::string_view entry) {
        return is_secure_name(upper_case(entry.substr(0, entry.find("://"))));
      });
  if (secure) return;
  for (const std::string& name : controllers) out.protocols_.emplace(upper_case(name), security_protocol::plaintext);
}

void broker_config_builder::derive_listeners() {
  const auto& controllers = out.list("controller.listener.names");
  auto listeners = parse_endpoints(out.list("listeners"), out.protocols_, true);
  if (!listeners) {
    broken.insert("listeners");
    wrong("listeners", fmt::format("listeners: {}", listeners.error().message));
    return;
  }
  auto advertised = out.is_null("advertised.listeners")
                        ? listeners
                        : parse_endpoints(out.list("advertised.listeners"), out.protocols_, false);
  if (!advertised) {
    broken.insert("advertised.listeners");
    wrong("advertised.listeners", fmt::format("advertised.listeners: {}", advertised.error().message));
    advertised = std::vector<endpoint>();
  }
  for (const endpoint& e : *listeners) {
    (contains(controllers, e.listener) ? out.controller_listeners_ : out.broker_listeners_).push_back(e);
  }
  for (const endpoint& e : *advertised) {
    if (!contains(controllers, e.listener)) out.advertised_listeners_.push_back(e);
  }
  for (const std::string& name : controllers) {
    const auto named = [&](const endpoint& e) { return equal_ignoring_case(e.listener, name); };
    if (const auto at = std::ranges::find_if(*advertised, named); at != advertised->end()) {
      out.advertised_controller_listeners_.push_back(*at);
    } else if (const auto own = std::ranges::find_if(*listeners, named); own != listeners->end()) {
      out.advertised_controller_listeners_.push_back(*own);
    }
  }
}

void broker_config_builder::derive_inter_broker_listener() {
  if (out.is_null("inter.broker.listener.name")) {
    out.inter_broker_listener_ = out.string("security.inter.broker.protocol");
    return;
  }
  require(!out.static_.contains("security.inter.broker.protocol"), {"inter.broker.listener.name"},
          "Set either inter.broker.listener.name or security.inter.broker.protocol, not both.");
  out.inter_broker_listener_ = upper_case(out.string("inter.broker.listener.name"));
  require(out.protocols_.contains(out.inter_broker_listener_), {"inter.broker.listener.name"},
          fmt::format("inter.broker.listener.name: {} has no entry in listener.security.protocol.map.",
                      out.inter_broker_listener_));
}

void broker_config_builder::derive_quorum() {
  // Both have been parsed once already, by their rules; what didn't parse is the empty default here.
  if (auto voters = parse_voters(out.list("controller.quorum.voters"))) out.voters_ = *std::move(voters);
  if (auto servers = parse_servers(out.list("controller.quorum.bootstrap.servers"))) {
    out.bootstrap_servers_ = *std::move(servers);
  }
}

}  // namespace moldau::config
