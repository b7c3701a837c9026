#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "base/assert.hpp"

namespace moldau::rt {

/// One value to come, awaited by one coroutine: the bridge from callbacks to `co_await`.
///
/// It lives where both sides can reach it (the awaiter's frame, a queue entry) and must outlive the call of `set`.
/// `set` may come before or after the await, once, on the same core; it resumes the awaiter at once, inside the call,
/// so the caller of `set` must be ready to be re-entered (or post it). Takes no memory beyond itself.
template <typename T>
class completion {
 public:
  completion() = default;
  completion(const completion&) = delete;
  completion& operator=(const completion&) = delete;

  void set(T value) {
    MOLDAU_ASSERT(!value_);
    value_.emplace(std::move(value));
    if (auto waiting = std::exchange(waiting_, nullptr)) waiting.resume();
  }
  [[nodiscard]] bool is_set() const { return value_.has_value(); }

  bool await_ready() const noexcept { return value_.has_value(); }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept { waiting_ = awaiting; }
  T await_resume() { return *std::move(value_); }

 private:
  std::optional<T> value_;
  std::coroutine_handle<> waiting_;
};

}  // namespace moldau::rt
