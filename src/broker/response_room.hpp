#pragma once

#include <cstddef>
#include <string_view>

#include "broker/request.hpp"
#include "rt/task.hpp"

namespace moldau::broker {

class shard;

/// The memory of an answer that may be many times larger than what asks for it, as a request may name the same thing
/// again and again. What is put into the answer is charged to the core's memory for answers, for which it waits; and
/// others get their turn in between.
///
///     response_room room(at, what);
///     for (const auto& wanted : message.resources) {
///       if (!co_await room.take(size)) { … refuse this and the rest with `response_room::refusal` … }
class response_room {
 public:
  static constexpr std::string_view refusal =
      "The answer would be larger than socket.request.max.bytes: ask for less at a time.";

  response_room(shard& at, request& what) : at_(at), what_(what) {}

  /// Takes `bytes` more. False, from then on always, if the answer would become larger than one may be, or nobody waits
  /// for it any more.
  [[nodiscard]] rt::task<bool> take(std::size_t bytes);

 private:
  shard& at_;
  request& what_;
  std::size_t taken_bytes_ = 0;
  /// Since others last had their turn.
  std::size_t since_turn_bytes_ = 0;
  bool is_full_ = false;
};

/// Waits for as much of the core's memory for answers as `bytes` more of a request's answer take.
[[nodiscard]] rt::task<void> wait_for_memory(shard& at, request& what, std::size_t bytes);

}  // namespace moldau::broker
