#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "moldau/client/options.hpp"
#include "rt/loop_thread.hpp"

namespace moldau::client {

/// A thread on the real clock and network. Defined in `factory/`, the only place that knows what the real world is made
/// of.
[[nodiscard]] std::unique_ptr<rt::loop_thread> make_loop_thread(
    std::function<void(log_severity, std::string_view)> log);

}  // namespace moldau::client
