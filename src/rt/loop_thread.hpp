#pragma once

#include "rt/world.hpp"

namespace moldau::rt {

/// A thread of a library's own, and the world that it runs: what a client, or a cluster in memory, lives on when it was
/// given no other. `rt_asio` has the real one.
class loop_thread {
 public:
  /// Ends the thread; what still waits on it is dropped. May be called on the thread itself.
  virtual ~loop_thread() = default;
  [[nodiscard]] virtual rt::world& world() = 0;
  /// Whether the caller runs on that thread, where nothing may wait.
  [[nodiscard]] virtual bool is_this_thread() const = 0;
};

}  // namespace moldau::rt
