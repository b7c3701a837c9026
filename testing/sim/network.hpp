#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "rt/transport.hpp"
#include "testing/sim/link.hpp"
#include "testing/sim/options.hpp"
#include "testing/sim/paths.hpp"
#include "testing/sim/scheduler.hpp"

namespace moldau::testing::sim {

class host;

/// A socket that listens, shared by its owner and those who connect.
struct listening {
  rt::world* home = nullptr;
  host_index host = 0;
  rt::endpoint at;
  bool loopback_only = false;
  bool closed = false;
  std::deque<std::unique_ptr<rt::connection>> backlog;
  /// Set while somebody waits in `accept`.
  rt::completion<bool>* waiting = nullptr;

  void wake();
};

/// Somebody who waits for a connection.
struct connecting {
  rt::world* home = nullptr;
  actor* owner = nullptr;
  host_index from = 0;
  rt::endpoint to;
  rt::completion<result<std::unique_ptr<rt::connection>>> done;
  /// Answered, given up, or nobody waits any more.
  bool settled = false;
  bool abandoned = false;
};

/// All hosts' network. Hosts reach one another by name ("broker-1") or address ("10.0.0.1"), themselves by
/// "localhost" and 127.0.0.1 too.
///
/// Delays, cuts and refusals come by `network_options`; the calls here are for scenarios, and take effect at once.
/// A blocked path loses nothing for good: what is sent over it arrives when it opens again, unless the sender has given
/// up by then (`retransmission_timeout`), in which case its connection has failed, and the peer isn't told.
class network {
 public:
  network(scheduler& queue, random_source random, const network_options& settings)
      : queue_(queue), random_(random), settings_(settings) {}

  /// Latencies, buffers and probabilities; may be changed at any time.
  [[nodiscard]] network_options& settings() { return settings_; }

  /// Packets from `from` to `to` vanish; those back get through.
  void block(const host& from, const host& to);
  /// Both ways.
  void partition(const host& a, const host& b);
  /// `alone` can't exchange anything with any other host.
  void isolate(const host& alone);
  /// Opens both ways.
  void heal(const host& a, const host& b);
  void heal_all();
  /// Breaks every connection between the two, and what was under way in them is lost. Both ends learn of it soon, or
  /// with `silently` only once they have sent and got no answer.
  void cut(const host& a, const host& b, bool silently = false);
  /// Every connection of the whole network.
  void cut_all();
  /// How many connections have an end that is open.
  [[nodiscard]] std::size_t connections() const;

  // For the world's transport, and for hosts.
  [[nodiscard]] paths& routes() { return routes_; }
  void set(host_index host, paths::state now);
  /// The process on that host is gone; with `power` on, its system closes its sockets.
  void abandon(host_index host, bool power);
  [[nodiscard]] result<std::shared_ptr<listening>> listen(host_index host, rt::world& home, const rt::endpoint& at);
  void unlisten(listening& socket);
  [[nodiscard]] bool accept_fails() { return random_.chance(settings_.accept_error); }
  void connect(std::shared_ptr<connecting> attempt, std::int64_t timeout_ms);

 private:
  void try_connect(const std::shared_ptr<connecting>& attempt);
  void answer(const std::shared_ptr<connecting>& attempt, result<std::unique_ptr<rt::connection>> with);
  rt::duration latency(host_index a, host_index b);
  void heal_paths();
  template <typename F>
  void each_link(F visit) const;

  scheduler& queue_;
  random_source random_;
  network_options settings_;
  paths routes_;
  std::map<std::pair<host_index, std::uint16_t>, std::shared_ptr<listening>> listeners_;
  std::map<host_index, std::uint16_t> next_port_;
  mutable std::vector<std::weak_ptr<link>> links_;
};

}  // namespace moldau::testing::sim
