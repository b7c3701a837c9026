#pragma once

#include <memory>

#include "rt/loop_thread.hpp"

namespace moldau::testing::fake {

/// For brokers that were given no world. Defined in `factory/`, the one place that knows what the real world is made
/// of.
[[nodiscard]] std::unique_ptr<rt::loop_thread> make_loop_thread();

}  // namespace moldau::testing::fake
