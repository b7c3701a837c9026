#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "client/deadlines.hpp"
#include "client/loop_thread.hpp"
#include "moldau/client/options.hpp"
#include "moldau/core/async.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"

namespace moldau::client {

/// The thread that a client's state lives on, and the way onto it for callers on any other.
class runtime {
 public:
  explicit runtime(const client_options& options) : handlers_(options.handlers), is_real_(options.world.is_real()) {
    if (options.world.is_real()) thread_ = make_loop_thread(options.log);
    world_ = thread_ ? &thread_->world() : options.world.get();
    // In a simulation everything is one thread, so that nobody may wait.
    deadlines_ = std::make_shared<deadlines>(*world_, [this] { return !thread_ || thread_->is_this_thread(); });
  }
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  ~runtime() { stop(); }

  [[nodiscard]] rt::world& world() const { return *world_; }
  [[nodiscard]] bool is_real() const { return is_real_; }
  [[nodiscard]] executor* handlers() const { return handlers_; }
  /// Whether the caller may wait for something that the client's thread does.
  [[nodiscard]] bool may_block() const { return thread_ != nullptr && !thread_->is_this_thread(); }
  /// Ends the I/O thread. Whoever still waits for it hears `errc::closed`.
  void stop() {
    deadlines_->detach();
    thread_.reset();
  }

  template <typename T>
  [[nodiscard]] promise<T> make_promise() const {
    return promise<T>(handlers_, is_real_ ? when_abandoned::fail : when_abandoned::leave, deadlines_);
  }

  /// Runs the task that `make()`, or `make(call_token)`, returns on the client's thread; its result becomes the
  /// async's. A result that comes after the caller has cancelled goes to `unclaimed(result<T>)`.
  template <typename T, typename Make, typename Unclaimed>
  async<T> start(Make make, Unclaimed unclaimed) const {
    promise<T> done = make_promise<T>();
    auto out = done.get_async();
    world_->post([done, make = std::move(make), unclaimed = std::move(unclaimed)]() mutable {
      rt::spawn(run<T>(std::move(make), std::move(unclaimed), std::move(done)));
    });
    return out;
  }
  template <typename T, typename Make>
  async<T> start(Make make) const {
    return start<T>(std::move(make), [](const result<T>&) {});
  }

 private:
  template <typename T, typename Make, typename Unclaimed>
  static rt::task<void> run(Make make, Unclaimed unclaimed, promise<T> done) {
    result<T> value = co_await [&] {
      if constexpr (std::is_invocable_v<Make&, call_token>) {
        return make(done.token());
      } else {
        return make();
      }
    }();
    if (!done.offer(value)) unclaimed(std::move(value));
  }

  executor* handlers_;
  const bool is_real_;
  std::unique_ptr<rt::loop_thread> thread_;
  rt::world* world_;
  std::shared_ptr<deadlines> deadlines_;
};

/// An async that has its value already.
template <typename T>
[[nodiscard]] async<T> ready(result<T> value, executor* handlers = nullptr) {
  promise<T> done(handlers);
  done.set(std::move(value));
  return done.get_async();
}

}  // namespace moldau::client
