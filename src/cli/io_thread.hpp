#pragma once

#include <functional>
#include <memory>

namespace moldau::cli::io {

/// Runs a function on a thread of its own; destruction waits for its end.
class background {
 public:
  explicit background(std::function<void()> what);
  ~background();
  background(const background&) = delete;
  background& operator=(const background&) = delete;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace moldau::cli::io
