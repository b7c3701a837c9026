#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace moldau::scenarios {

/// What a run was found to do wrong; the checkers add to it, the scenario reports it.
class verdict {
 public:
  void fail(std::string what) {
    ++count_;
    // The first few tell the story; a lost partition would fill the memory with the rest.
    if (first_.size() < most_kept) first_.push_back(std::move(what));
  }
  [[nodiscard]] bool passed() const { return count_ == 0; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const std::vector<std::string>& first() const { return first_; }

 private:
  static constexpr std::size_t most_kept = 20;

  std::size_t count_ = 0;
  std::vector<std::string> first_;
};

}  // namespace moldau::scenarios
