#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "config/broker_config.hpp"
#include "config/listener_override.hpp"

namespace moldau::config {
namespace {

const definition* find_dynamic_only(std::string_view name) {
  for (const definition& def : dynamic_only_definitions()) {
    if (def.name == name) return &def;
  }
  return nullptr;
}

// What Kafka takes only for one listener at a time: keys and trusted certificates.
bool is_listener_secret(std::string_view name) {
  return name.starts_with("ssl.keystore.") || name.starts_with("ssl.truststore.") || name == "ssl.key.password";
}

std::unexpected<error> refuse(std::string_view why, const std::vector<std::string_view>& names) {
  return fail(errc::invalid_config, fmt::format("{}: [{}]", why, fmt::join(names, ", ")));
}

}  // namespace

std::string_view listener_override_base(std::string_view name) {
  constexpr std::string_view prefix = "listener.name.";
  if (!name.starts_with(prefix)) return {};
  const auto dot = name.find('.', prefix.size());
  if (dot == std::string_view::npos) return {};
  std::string_view rest = name.substr(dot + 1);
  // Some are given for a mechanism as well: listener.name.x.scram-sha-256.sasl.jaas.config.
  for (const std::string_view known : {"sasl.jaas.config", "sasl.login.callback.handler.class", "sasl.login.class",
                                       "sasl.server.callback.handler.class", "connections.max.reauth.ms"}) {
    if (rest.ends_with(known)) return known;
  }
  return rest;
}

result<void> validate_dynamic_broker_config(const settings& proposed, bool per_broker) {
  std::vector<std::string_view> fixed;
  std::vector<std::string_view> without_listener;
  std::vector<std::string_view> needs_broker;
  for (const auto& [name, text] : proposed) {
    if (!listener_override_base(name).empty()) {
      needs_broker.push_back(name);
      continue;
    }
    const definition* def = find_broker_definition(name);
    if (def == nullptr) continue;
    if (def->update == update_mode::read_only) fixed.push_back(name);
    if (def->update == update_mode::per_broker) needs_broker.push_back(name);
    if (is_listener_secret(name)) without_listener.push_back(name);
  }
  if (!fixed.empty()) return refuse("Cannot update these configs dynamically", fixed);
  if (!without_listener.empty()) {
    return refuse("These security configs can be dynamically updated only per-listener using the listener prefix",
                  without_listener);
  }
  for (const auto& [name, text] : proposed) {
    const std::string_view base = listener_override_base(name);
    const definition* def = find_broker_definition(base.empty() ? std::string_view(name) : base);
    if (def == nullptr) def = find_dynamic_only(name);
    if (def == nullptr) continue;  // Kafka stores names it doesn't know, for plug-ins.
    MOLDAU_TRY_ASSIGN(const value parsed, parse_value(*def, text));
    if (def->state == support::refused && parsed != default_of(*def)) {
      return fail(errc::invalid_config,
                  fmt::format("{} says who may do what, and moldau doesn't act on it yet.", def->name));
    }
  }
  if (!per_broker && !needs_broker.empty()) {
    return refuse("Cannot update these configs at default cluster level, broker id must be specified", needs_broker);
  }
  // Kafka opens and closes listeners at run time. A setting that were stored and did nothing would lie.
  for (const std::string_view name : {"listeners", "listener.security.protocol.map"}) {
    if (proposed.contains(name)) {
      return fail(
          errc::invalid_config,
          fmt::format("moldau changes {} only at a start: set it in the file, and start the broker again.", name));
    }
  }
  return {};
}

}  // namespace moldau::config
