#pragma once

#include <memory>
#include <utility>

#include "moldau/core/async.hpp"
#include "rt/completion.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"

namespace moldau::client {

/// Waits for somebody else's async, which may become ready on any thread, and goes on in `home`.
template <typename T>
[[nodiscard]] rt::task<result<T>> await_on(rt::world& home, async<T> what) {
  // Shared with the callback: whoever waits may be gone by the time it comes.
  auto done = std::make_shared<rt::completion<result<T>>>();
  std::move(what).then([&home, weak = std::weak_ptr(done)](result<T> value) {
    home.post([weak, value = std::move(value)]() mutable {
      if (const auto waiting = weak.lock()) waiting->set(std::move(value));
    });
  });
  co_return co_await *done;
}

}  // namespace moldau::client
