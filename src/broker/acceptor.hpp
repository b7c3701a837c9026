#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"

namespace moldau::broker {

/// Limits on how many connections there are, asked anew for each: they may change at run time.
struct accept_limits {
  /// `max.connections`.
  std::function<std::int64_t()> connections_max;
  /// `listener.name.<listener>.max.connections`.
  std::function<std::int64_t(std::string_view listener)> per_listener_max;
  /// `max.connections.per.ip` and its overrides.
  std::function<std::int64_t(std::string_view host)> per_host_max;
};

/// Accepts on every listener and deals the connections out to the cores in turn. Lives on core 0.
///
/// As in Kafka, one connection too many of a host is closed, and one too many of the broker or of a listener waits for
/// its turn, with those behind it in the backlog. The controller's listeners take no part in that: a broker full of
/// clients must still be reached by its quorum.
class acceptor {
 public:
  /// Hands a connection to a core; called on core 0. Whoever serves it calls `released` on core 0 when it is gone.
  using hand_over =
      std::function<void(unsigned core, std::unique_ptr<rt::connection> socket, const std::string& listener)>;

  acceptor(rt::world& world, accept_limits limits, rt::socket_buffers buffers, hand_over serve);

  /// Binds. Errors: the address is in use or isn't ours; the message names listener and address.
  [[nodiscard]] result<rt::endpoint> listen(const std::string& listener, const rt::endpoint& at, bool limited = true);
  /// Starts to accept on all that is bound.
  void start();
  void released(const std::string& host, const std::string& listener);
  /// Whoever waits for a slot looks again.
  void limits_changed() { changed_.notify_all(); }
  rt::task<void> stop();

  /// On the listeners that are limited.
  [[nodiscard]] std::int64_t connections() const { return connections_; }
  /// How many were turned away because of a limit.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  struct bound {
    std::string listener;
    std::unique_ptr<rt::listener> socket;
    bool limited = true;
    std::int64_t connections = 0;
  };
  [[nodiscard]] bool is_full(const bound& on) const;
  rt::task<void> accept_loop(bound& from);

  rt::world& world_;
  accept_limits limits_;
  rt::socket_buffers buffers_;
  hand_over serve_;
  std::vector<std::unique_ptr<bound>> bound_;
  std::map<std::string, std::int64_t, std::less<>> per_host_;
  std::int64_t connections_ = 0;
  std::uint64_t refused_ = 0;
  unsigned next_core_ = 0;
  rt::event changed_;
  bool stopping_ = false;
  rt::gate running_;
};

}  // namespace moldau::broker
