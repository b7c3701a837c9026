#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "moldau/core/bytes.hpp"

namespace moldau::wire {

/// Keeps computed strings and bytes alive for messages that only view them: everything lives as long as the arena.
/// Moving the arena leaves the views valid. Not thread safe.
class arena {
 public:
  arena() = default;
  arena(arena&& other) noexcept
      : blocks_(std::move(other.blocks_)),
        at_(std::exchange(other.at_, nullptr)),
        left_(std::exchange(other.left_, 0)) {}
  arena& operator=(arena&& other) noexcept {
    blocks_ = std::move(other.blocks_);
    at_ = std::exchange(other.at_, nullptr);
    left_ = std::exchange(other.left_, 0);
    return *this;
  }

  /// A view of the arena's own copy.
  [[nodiscard]] std::string_view store(std::string_view text) { return as_text(store(as_bytes(text))); }
  [[nodiscard]] bytes_view store(bytes_view bytes);

 private:
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* at_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace moldau::wire
