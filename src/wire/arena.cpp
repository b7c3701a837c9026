#include "wire/arena.hpp"

#include <cstring>

namespace moldau::wire {

bytes_view arena::store(bytes_view bytes) {
  static constexpr std::size_t block_size = 4096;
  if (bytes.empty()) return {};
  if (bytes.size() > block_size / 4) {
    // Large ones get a block of their own, so that the rest of the current block isn't lost.
    auto& own = blocks_.emplace_back(std::make_unique_for_overwrite<std::byte[]>(bytes.size()));
    std::memcpy(own.get(), bytes.data(), bytes.size());
    return {own.get(), bytes.size()};
  }
  if (bytes.size() > left_) {
    at_ = blocks_.emplace_back(std::make_unique_for_overwrite<std::byte[]>(block_size)).get();
    left_ = block_size;
  }
  const bytes_view out{at_, bytes.size()};
  std::memcpy(at_, bytes.data(), bytes.size());
  at_ += bytes.size();
  left_ -= bytes.size();
  return out;
}

}  // namespace moldau::wire
