#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/broker_config_builder.hpp"
#include "config/text.hpp"

namespace moldau::config {
namespace {

std::string names_of(const std::vector<endpoint>& endpoints) {
  std::vector<std::string_view> names;
  for (const endpoint& e : endpoints) names.push_back(e.listener);
  return fmt::format("{}", fmt::join(names, ", "));
}

bool has(const std::vector<endpoint>& endpoints, std::string_view listener) {
  return std::ranges::any_of(endpoints, [&](const endpoint& e) { return equal_ignoring_case(e.listener, listener); });
}

}  // namespace

void broker_config_builder::check_together() {
  check_roles();
  check_advertised();
  check_security();
  check_logs();
  check_bounds();
}

void broker_config_builder::check_roles() {
  require(out.int32("broker.id") == out.int32("node.id") || !out.static_.contains("broker.id"),
          {"broker.id", "node.id"}, "node.id and broker.id must be equal where both are set.");
  require(out.broker_role_ || out.controller_role_, {"process.roles"},
          "process.roles must name broker, controller or both.");
  const auto& voters = out.voters_;
  require(!voters.empty() || !out.bootstrap_servers_.empty(),
          {"controller.quorum.bootstrap.servers", "controller.quorum.voters"},
          "Say how the controllers are found: set controller.quorum.bootstrap.servers, or controller.quorum.voters for "
          "a quorum that never changes.");
  const bool is_voter = std::ranges::any_of(voters, [&](const voter& v) { return v.id == out.node_id(); });
  const auto& controllers = out.list("controller.listener.names");
  if (out.controller_role_) {
    require(voters.empty() || is_voter, {"controller.quorum.voters", "node.id", "process.roles"},
            fmt::format("This node is a controller, but its node.id {} is not in controller.quorum.voters.",
                        out.node_id().value()));
    require(!controllers.empty(), {"controller.listener.names"},
            "controller.listener.names must name at least one of the listeners on a controller.");
    for (const std::string& name : controllers) {
      require(has(out.controller_listeners_, name), {"controller.listener.names", "listeners"},
              fmt::format("controller.listener.names: {} is not among the listeners.", name));
    }
    require(out.broker_role_ || out.broker_listeners_.empty(), {"listeners", "controller.listener.names"},
            fmt::format("A node that is only a controller may have only controller listeners; these are others: {}.",
                        names_of(out.broker_listeners_)));
    return;
  }
  require(!is_voter, {"controller.quorum.voters", "node.id", "process.roles"},
          fmt::format("This node is only a broker, but its node.id {} is in controller.quorum.voters.",
                      out.node_id().value()));
  require(!controllers.empty(), {"controller.listener.names"},
          "controller.listener.names must name the listener by which this broker reaches the controllers.");
  require(out.controller_listeners_.empty(), {"listeners", "controller.listener.names"},
          fmt::format("A node that is only a broker can't listen for controllers: take {} out of listeners.",
                      names_of(out.controller_listeners_)));
  for (const std::string& name : controllers) {
    require(out.protocols_.contains(upper_case(name)), {"controller.listener.names", "listener.security.protocol.map"},
            fmt::format("controller.listener.names: {} has no entry in listener.security.protocol.map.", name));
  }
}

void broker_config_builder::check_advertised() {
  for (const auto* list : {&out.advertised_listeners_, &out.advertised_controller_listeners_}) {
    for (const endpoint& e : *list) {
      require(e.host != "0.0.0.0", {"advertised.listeners", "listeners"},
              fmt::format("Nobody can connect to 0.0.0.0: give {} an address in advertised.listeners that clients "
                          "reach.",
                          e.listener));
    }
  }
  if (!out.broker_role_) return;
  require(!out.advertised_listeners_.empty(), {"advertised.listeners", "listeners", "controller.listener.names"},
          "A broker needs a listener for clients: all of them are named in controller.listener.names.");
  if (out.advertised_listeners_.empty()) return;
  require(has(out.advertised_listeners_, out.inter_broker_listener_),
          {"inter.broker.listener.name", "advertised.listeners", "listeners", "security.inter.broker.protocol",
           "listener.security.protocol.map"},
          fmt::format("Brokers would use the listener {} among each other, which is not advertised: set "
                      "inter.broker.listener.name to one of {}.",
                      out.inter_broker_listener_, names_of(out.advertised_listeners_)));
  for (const endpoint& e : out.advertised_listeners_) {
    require(has(out.broker_listeners_, e.listener), {"advertised.listeners", "listeners"},
            fmt::format("advertised.listeners: {} is not among the listeners ({}).", e.listener,
                        names_of(out.broker_listeners_)));
  }
}

void broker_config_builder::check_security() {
  // Never less safe than asked: what is to be encrypted or authenticated isn't served in the clear.
  const auto refuse = [&](std::string_view listener, security_protocol protocol, std::string_view property) {
    require(protocol == security_protocol::plaintext, {property},
            fmt::format("The listener {} asks for {}, which moldau doesn't speak yet.", listener, name(protocol)));
  };
  for (const endpoint& e : out.broker_listeners_) refuse(e.listener, e.protocol, "listeners");
  for (const endpoint& e : out.controller_listeners_) refuse(e.listener, e.protocol, "listeners");
  if (out.controller_role_) return;
  for (const std::string& name : out.list("controller.listener.names")) {
    if (const auto at = out.protocols_.find(upper_case(name)); at != out.protocols_.end()) {
      refuse(name, at->second, "controller.listener.names");
    }
  }
}

void broker_config_builder::check_logs() {
  require(!out.log_dirs_.empty(), {"log.dirs", "log.dir"}, "log.dirs must name at least one directory.");
  require(out.log_roll_ms() >= 1, {"log.roll.ms", "log.roll.hours"}, "log.roll.ms must be at least 1.");
  require(out.log_roll_jitter_ms() >= 0, {"log.roll.jitter.ms", "log.roll.jitter.hours"},
          "log.roll.jitter.ms must be at least 0.");
  require(out.log_retention_ms() != 0, {"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
          "log.retention.ms must be at least 1, or -1 to keep records for ever.");
  const std::int64_t threads = out.int64("log.cleaner.threads");
  require(threads == 0 || out.int64("log.cleaner.dedupe.buffer.size") / threads > 1024 * 1024,
          {"log.cleaner.dedupe.buffer.size", "log.cleaner.threads"},
          "log.cleaner.dedupe.buffer.size must be more than 1 MiB for each of log.cleaner.threads.");
  require(out.int64("log.cleaner.min.compaction.lag.ms") <= out.int64("log.cleaner.max.compaction.lag.ms"),
          {"log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"},
          "log.cleaner.min.compaction.lag.ms must not be more than log.cleaner.max.compaction.lag.ms.");
}

void broker_config_builder::check_bounds() {
  const std::int64_t fetch_wait = out.int64("replica.fetch.wait.max.ms");
  require(fetch_wait <= out.int64("replica.socket.timeout.ms"),
          {"replica.socket.timeout.ms", "replica.fetch.wait.max.ms"},
          "replica.socket.timeout.ms must be at least replica.fetch.wait.max.ms.");
  require(fetch_wait <= out.int64("replica.lag.time.max.ms"), {"replica.lag.time.max.ms", "replica.fetch.wait.max.ms"},
          "replica.lag.time.max.ms must be at least replica.fetch.wait.max.ms.");
  const std::int64_t queued = out.int64("queued.max.request.bytes");
  require(queued <= 0 || queued >= out.int64("socket.request.max.bytes"),
          {"queued.max.request.bytes", "socket.request.max.bytes"},
          "queued.max.request.bytes must be at least socket.request.max.bytes.");
  const std::int64_t idle = out.int64("connections.max.idle.ms");
  require(idle < 0 || out.int64("connection.failed.authentication.delay.ms") < idle,
          {"connections.max.idle.ms", "connection.failed.authentication.delay.ms"},
          "connection.failed.authentication.delay.ms must be less than connections.max.idle.ms.");

  const std::string& exceptions = out.string("max.connections.per.ip.overrides");
  require(out.int32("max.connections.per.ip") != 0 || !exceptions.empty(), {"max.connections.per.ip"},
          "max.connections.per.ip can be 0 only with max.connections.per.ip.overrides.");
  for (const std::string& entry : split_list(exceptions)) {
    const auto colon = entry.rfind(':');
    bool good = colon != std::string::npos && colon > 0;
    if (good) {
      const std::string_view text = trimmed(std::string_view(entry).substr(colon + 1));
      std::int32_t count = 0;
      const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
      good = failure == std::errc{} && end == text.data() + text.size() && count >= 0;
    }
    require(good, {"max.connections.per.ip.overrides"},
            fmt::format("max.connections.per.ip.overrides: '{}' must be written address:count.", entry));
  }
}

}  // namespace moldau::config
