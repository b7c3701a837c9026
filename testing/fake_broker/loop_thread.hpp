#pragma once

#include <memory>

#include "rt/world.hpp"

namespace moldau::testing::fake {

/// A thread with a world of the real kind, for brokers that were given none.
class loop_thread {
 public:
  /// Ends the thread; what waits on it is dropped.
  virtual ~loop_thread() = default;
  [[nodiscard]] virtual rt::world& world() = 0;
};

/// Defined in `factory/`, the one place that knows what the real world is made of.
[[nodiscard]] std::unique_ptr<loop_thread> make_loop_thread();

}  // namespace moldau::testing::fake
