#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "moldau/client/options.hpp"
#include "rt/world.hpp"

namespace moldau::client {

/// One I/O thread and the world that runs on it.
class real_host {
 public:
  /// Ends the thread; what still runs on it is dropped. May be called on the thread itself.
  virtual ~real_host() = default;
  [[nodiscard]] virtual rt::world& world() = 0;
  /// Whether the caller runs on that thread, where nothing may wait.
  [[nodiscard]] virtual bool is_this_thread() const = 0;
};

/// Starts one on the real clock and network. Defined in `factory/`, the only place that knows what the real world is
/// made of.
[[nodiscard]] std::unique_ptr<real_host> make_real_host(std::function<void(log_severity, std::string_view)> log);

}  // namespace moldau::client
