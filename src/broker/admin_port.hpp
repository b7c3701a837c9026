#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/metrics.hpp"
#include "config/broker_config.hpp"
#include "http/server.hpp"
#include "moldau/core/result.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"

namespace moldau::broker {

class node;

/// How far a node has come, numbered as Kafka's BrokerState.
enum class node_state : std::int8_t { starting = 1, recovering = 2, serving = 3, stopping = 7, failed = 127 };

/// `/metrics` and `/healthz` of a node (`moldau.admin.host`, `moldau.admin.port`). Lives on core 0.
class admin_port {
 public:
  /// `registry` holds what the cores count; both outlive it.
  admin_port(node& owner, const base::metrics& registry);

  /// Opens the port, unless it is -1. A port that is in use stops the start only if somebody has chosen it: the default
  /// one gives way to another broker on this machine, with a warning.
  [[nodiscard]] result<void> start(const config::broker_config& config);
  [[nodiscard]] rt::task<void> stop();
  /// Nothing if it isn't served.
  [[nodiscard]] std::optional<rt::endpoint> local() const;

  /// What `/healthz` says from now on.
  void set_state(node_state state, std::string sentence = {});
  [[nodiscard]] node_state state() const { return state_; }

  /// What `/metrics` answers.
  [[nodiscard]] rt::task<std::string> scrape();

 private:
  rt::task<http::response> healthz() const;

  node& node_;
  const base::metrics& registry_;
  const rt::time_point started_;
  const std::int64_t started_wall_ms_;
  node_state state_ = node_state::starting;
  std::string sentence_;
  std::unique_ptr<http::server> server_;
};

}  // namespace moldau::broker
