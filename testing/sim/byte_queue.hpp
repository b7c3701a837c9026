#pragma once

#include <algorithm>
#include <cstring>
#include <deque>

#include "moldau/core/bytes.hpp"

namespace moldau::testing::sim {

/// Bytes in order, in at one end and out at the other.
class byte_queue {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  void push(shared_bytes bytes) {
    size_ += bytes.size();
    if (!bytes.empty()) parts_.push_back(std::move(bytes));
  }
  /// Moves bytes out until `into` is full or none are left; returns how many.
  std::size_t pop(mutable_bytes into) {
    std::size_t done = 0;
    while (done < into.size() && !parts_.empty()) {
      shared_bytes& front = parts_.front();
      const std::size_t part = std::min(front.size(), into.size() - done);
      std::memcpy(into.data() + done, front.data(), part);
      done += part;
      if (part == front.size()) {
        parts_.pop_front();
      } else {
        front = front.slice(part, front.size() - part);
      }
    }
    size_ -= done;
    return done;
  }
  void clear() {
    parts_.clear();
    size_ = 0;
  }

 private:
  std::deque<shared_bytes> parts_;
  std::size_t size_ = 0;
};

}  // namespace moldau::testing::sim
