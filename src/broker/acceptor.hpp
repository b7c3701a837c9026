#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "rt/spawn.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"

namespace moldau::broker {

/// Limits on how many connections there are: `max.connections`, `max.connections.per.ip` and its overrides.
struct accept_limits {
  std::int64_t connections_max = INT32_MAX;
  std::function<std::int64_t(std::string_view host)> per_host_max;
};

/// Accepts on every listener and deals the connections out to the cores in turn. Lives on core 0.
class acceptor {
 public:
  /// Hands a connection to a core; called on core 0. Whoever serves it calls `released` on core 0 when it is gone.
  using hand_over =
      std::function<void(unsigned core, std::unique_ptr<rt::connection> socket, const std::string& listener)>;

  acceptor(rt::world& world, accept_limits limits, hand_over serve);

  /// Binds. Errors: the address is in use or isn't ours; the message names listener and address.
  [[nodiscard]] result<rt::endpoint> listen(const std::string& listener, const rt::endpoint& at);
  /// Starts to accept on all that is bound.
  void start();
  void released(const std::string& host);
  rt::task<void> stop();

  [[nodiscard]] std::int64_t connections() const { return connections_; }
  /// How many were turned away because of a limit.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  struct bound {
    std::string listener;
    std::unique_ptr<rt::listener> socket;
  };
  rt::task<void> accept_loop(bound& from);

  rt::world& world_;
  accept_limits limits_;
  hand_over serve_;
  std::vector<std::unique_ptr<bound>> bound_;
  std::map<std::string, std::int64_t, std::less<>> per_host_;
  std::int64_t connections_ = 0;
  std::uint64_t refused_ = 0;
  unsigned next_core_ = 0;
  bool stopping_ = false;
  rt::gate running_;
};

}  // namespace moldau::broker
