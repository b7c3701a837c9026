#pragma once

#include <memory>
#include <utility>

#include "client/real_host.hpp"
#include "moldau/client/options.hpp"
#include "moldau/core/async.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"

namespace moldau::client {

/// The thread that a client's state lives on, and the way onto it for callers on any other.
class runtime {
 public:
  explicit runtime(const client_options& options) : handlers_(options.handlers) {
    if (options.world.is_real()) host_ = make_real_host(options.log);
    world_ = host_ ? &host_->world() : options.world.get();
  }

  [[nodiscard]] rt::world& world() const { return *world_; }
  [[nodiscard]] bool is_real() const { return host_ != nullptr; }
  [[nodiscard]] executor* handlers() const { return handlers_; }
  /// Whether the caller may wait for something that the client's thread does.
  [[nodiscard]] bool may_block() const { return host_ != nullptr && !host_->is_this_thread(); }
  /// Ends the I/O thread.
  void stop() { host_.reset(); }

  template <typename T>
  [[nodiscard]] promise<T> make_promise() const {
    return promise<T>(handlers_, is_real() ? when_abandoned::fail : when_abandoned::leave);
  }

  /// Runs the task that `make()` returns on the client's thread; its result becomes the async's.
  template <typename T, typename Make>
  async<T> start(Make make) const {
    promise<T> done = make_promise<T>();
    auto out = done.get_async();
    world_->post([done, make = std::move(make)]() mutable { rt::spawn(run<T, Make>(std::move(make), done)); });
    return out;
  }

 private:
  template <typename T, typename Make>
  static rt::task<void> run(Make make, promise<T> done) {
    done.set(co_await make());
  }

  executor* handlers_;
  std::unique_ptr<real_host> host_;
  rt::world* world_;
};

/// An async that has its value already.
template <typename T>
[[nodiscard]] async<T> ready(result<T> value, executor* handlers = nullptr) {
  promise<T> done(handlers);
  done.set(std::move(value));
  return done.get_async();
}

}  // namespace moldau::client
