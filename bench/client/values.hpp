#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace moldau::bench {

/// Values to send in turn, the same in every client's loop. Words that recur make up three quarters of them, letters by
/// chance the rest, so that codecs find in them what they find in logs; none comes twice in a batch.
class values {
 public:
  explicit values(std::size_t size);
  [[nodiscard]] std::string_view at(std::size_t index) const { return {&bytes_[index % count_ * size_], size_}; }

 private:
  std::size_t size_;
  std::size_t count_;
  std::vector<char> bytes_;
};

}  // namespace moldau::bench
