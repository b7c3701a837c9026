#pragma once

#include <memory>

#include "rt/transport.hpp"

namespace moldau::rt_asio {

class core_world;

/// TCP for one core. The core must outlive it.
[[nodiscard]] std::unique_ptr<rt::transport> make_transport(core_world& home);

}  // namespace moldau::rt_asio
