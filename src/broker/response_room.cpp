#include "broker/response_room.hpp"

#include <coroutine>

#include "broker/shard.hpp"

namespace moldau::broker {
namespace {

/// About a millisecond's work.
constexpr std::size_t turn_bytes = 64U * 1024;

/// What is queued on this core already goes first.
struct others_turn {
  rt::world& on;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const {
    on.post([waiting] { waiting.resume(); });
  }
  void await_resume() const noexcept {}
};

}  // namespace

rt::task<bool> response_room::take(std::size_t bytes) {
  if (is_full_ || what_.peer->gone || bytes > at_.response_bytes_max() - taken_bytes_) {
    is_full_ = true;
    co_return false;
  }
  taken_bytes_ += bytes;
  since_turn_bytes_ += bytes;
  co_await wait_for_memory(at_, what_, bytes);
  if (since_turn_bytes_ >= turn_bytes) {
    since_turn_bytes_ = 0;
    co_await others_turn{at_.world()};
  }
  co_return true;
}

rt::task<void> wait_for_memory(shard& at, request& what, std::size_t bytes) {
  if (!at.answers().try_grow(bytes, what.answer_memory)) co_await at.answers().grow(bytes, what.answer_memory);
}

}  // namespace moldau::broker
