#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "moldau/core/bytes.hpp"

namespace moldau::bytes {

/// Blocks that are used again once every handle to them has gone, so that a steady stream of large buffers asks the
/// system for no memory. One thread takes; handles may be dropped on any.
class buffer_pool {
 public:
  /// Keeps no more than `kept_bytes_max`.
  explicit buffer_pool(std::size_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}

  /// A block of at least `size` bytes, all of them writable.
  [[nodiscard]] shared_bytes take(std::size_t size) {
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      // Nobody else can make a handle out of this last one.
      if (blocks_[i].use_count() == 1 && blocks_[i].size() >= size && blocks_[i].size() / 4 <= size) {
        std::swap(blocks_[i], blocks_.back());
        return blocks_.back();
      }
    }
    shared_bytes fresh = shared_bytes::allocate(std::max(size, least_bytes));
    keep(fresh);
    return fresh;
  }

  /// The block isn't kept for another use: it goes with its last handle.
  void forget(const shared_bytes& block) {
    const auto found = std::ranges::find(blocks_, block.data(), &shared_bytes::data);
    if (found == blocks_.end()) return;
    kept_bytes_ -= found->size();
    std::swap(*found, blocks_.back());
    blocks_.pop_back();
  }

 private:
  static constexpr std::size_t least_bytes = std::size_t{64} * 1024;

  void keep(const shared_bytes& block) {
    for (std::size_t i = 0; i < blocks_.size() && kept_bytes_ + block.size() > kept_bytes_max_;) {
      if (blocks_[i].use_count() > 1) {
        ++i;
        continue;
      }
      kept_bytes_ -= blocks_[i].size();
      std::swap(blocks_[i], blocks_.back());
      blocks_.pop_back();
    }
    if (kept_bytes_ + block.size() > kept_bytes_max_) return;
    kept_bytes_ += block.size();
    blocks_.push_back(block);
  }

  std::size_t kept_bytes_max_;
  std::size_t kept_bytes_ = 0;
  std::vector<shared_bytes> blocks_;
};

}  // namespace moldau::bytes
