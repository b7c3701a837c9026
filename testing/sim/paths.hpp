#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/sim/options.hpp"

namespace moldau::testing::sim {

/// A host's number, in the order of adding.
using host_index = std::size_t;

/// Which hosts there are, and between which of them packets get through.
class paths {
 public:
  enum class state : unsigned char {
    running,  ///< A process is there.
    idle,     ///< None is, but the machine answers (connections are refused and reset).
    dark,     ///< The machine is off: packets vanish.
  };

  host_index add(std::string name) {
    hosts_.push_back({std::move(name), state::running});
    return hosts_.size() - 1;
  }
  void set(host_index host, state now) { hosts_[host].now = now; }
  [[nodiscard]] state of(host_index host) const { return hosts_[host].now; }
  [[nodiscard]] const std::string& name(host_index host) const { return hosts_[host].name; }
  [[nodiscard]] std::string address(host_index host) const {
    return "10.0." + std::to_string(host / 250) + "." + std::to_string(host % 250 + 1);
  }
  [[nodiscard]] std::size_t count() const { return hosts_.size(); }

  /// By name or address; `count()` if there is no such host.
  [[nodiscard]] host_index resolve(std::string_view host, host_index asking) const {
    if (is_loopback(host)) return asking;
    for (host_index i = 0; i < hosts_.size(); ++i) {
      if (hosts_[i].name == host || address(i) == host) return i;
    }
    return hosts_.size();
  }
  [[nodiscard]] static bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
  }

  void block(host_index from, host_index to) { blocked_[{from, to}] = true; }
  void unblock(host_index from, host_index to) { blocked_.erase({from, to}); }
  void unblock_all() { blocked_.clear(); }
  /// Whether a packet sent from one host reaches the other. A host always reaches itself.
  [[nodiscard]] bool open(host_index from, host_index to) const {
    return hosts_[to].now != state::dark && (from == to || !blocked_.contains({from, to}));
  }

 private:
  struct entry {
    std::string name;
    state now;
  };

  std::vector<entry> hosts_;
  std::map<std::pair<host_index, host_index>, bool> blocked_;
};

}  // namespace moldau::testing::sim
