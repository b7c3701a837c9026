#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::storage {

/// A mark that moves up through the offsets, and those who wait until it has come to theirs. Lives on one core.
/// Waiting takes no memory: the awaiter is a node in its coroutine's frame.
class offset_gate {
 public:
  class awaiter {
   public:
    awaiter(offset_gate& self, offset until) : self_(self), until_(until) {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;

    bool await_ready() const noexcept { return self_.reached_ >= until_ || self_.failure_.has_value(); }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
      waiting_ = waiting;
      self_.insert(*this);
    }
    result<void> await_resume() const {
      if (self_.reached_ < until_ && self_.failure_) return std::unexpected<error>(*self_.failure_);
      return {};
    }

   private:
    friend offset_gate;
    offset_gate& self_;
    offset until_;
    std::coroutine_handle<> waiting_;
    awaiter* next_ = nullptr;
  };

  offset_gate() = default;
  explicit offset_gate(offset reached) : reached_(reached) {}
  offset_gate(const offset_gate&) = delete;
  offset_gate& operator=(const offset_gate&) = delete;

  [[nodiscard]] offset reached() const { return reached_; }
  [[nodiscard]] bool failed() const { return failure_.has_value(); }
  [[nodiscard]] bool has_waiters() const { return first_ != nullptr; }

  /// Until the mark is at `until` or above it, or has failed (then the failure).
  [[nodiscard]] awaiter wait(offset until) { return {*this, until}; }

  /// Moves the mark and resumes those it has come to, inside the call, lowest first.
  void advance(offset to) {
    if (to > reached_) reached_ = to;
    awaiter* woken = first_;
    awaiter* last = nullptr;
    for (awaiter* at = woken; at != nullptr && at->until_ <= reached_; at = at->next_) last = at;
    if (last == nullptr) return;
    first_ = std::exchange(last->next_, nullptr);
    if (first_ == nullptr) last_ = nullptr;
    resume(woken);
  }
  /// Takes the mark down, as truncation does. Those who wait go on waiting.
  void retreat(offset to) { reached_ = to; }
  /// Nothing will move any more: everybody gets `why`.
  void fail(error why) {
    if (!failure_) failure_ = std::move(why);
    last_ = nullptr;
    resume(std::exchange(first_, nullptr));
  }

 private:
  void insert(awaiter& node) {
    if (first_ == nullptr) {
      first_ = last_ = &node;
    } else if (last_->until_ <= node.until_) {
      last_->next_ = &node;
      last_ = &node;
    } else {
      awaiter** at = &first_;
      while ((*at)->until_ <= node.until_) at = &(*at)->next_;
      node.next_ = std::exchange(*at, &node);
    }
  }
  static void resume(awaiter* woken) {
    while (woken != nullptr) {
      awaiter* now = woken;
      woken = woken->next_;
      now->next_ = nullptr;
      now->waiting_.resume();
    }
  }

  offset reached_{0};
  std::optional<error> failure_;
  awaiter* first_ = nullptr;
  awaiter* last_ = nullptr;
};

}  // namespace moldau::storage
