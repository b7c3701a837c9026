#pragma once

namespace moldau {

namespace rt {
class world;
}

/// A handle on the clock, network and chance that a client uses. Made by default it means the real ones; the simulator
/// hands out others, so that a program runs in it unchanged.
///
/// A client on another world than the real one runs on that world's own thread: its blocking calls can't be used there,
/// `then` and `co_await` can.
class world {
 public:
  world() = default;
  /// `of` must outlive whatever is made with this handle.
  explicit world(rt::world& of) : of_(&of) {}

  [[nodiscard]] bool is_real() const { return of_ == nullptr; }
  /// Null for the real world.
  [[nodiscard]] rt::world* get() const { return of_; }

 private:
  rt::world* of_ = nullptr;
};

}  // namespace moldau
