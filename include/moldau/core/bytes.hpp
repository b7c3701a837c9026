#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

namespace moldau {

/// Bytes that somebody else owns.
using bytes_view = std::span<const std::byte>;
using mutable_bytes = std::span<std::byte>;

[[nodiscard]] inline bytes_view as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(bytes_view bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The one refcounted buffer handle: a slice of a heap block that lives as long as any handle to it.
///
/// Copying counts a reference (atomically: handles cross cores); a slice shares the block. The bytes are written by
/// whoever allocated the block, before it is shared; afterwards they don't change. Thread safe as `std::shared_ptr` is:
/// different handles to one block may be used from different threads, one handle may not.
class shared_bytes {
 public:
  shared_bytes() = default;
  shared_bytes(const shared_bytes& other) noexcept : block_(other.block_), data_(other.data_), size_(other.size_) {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  shared_bytes(shared_bytes&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  shared_bytes& operator=(shared_bytes other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~shared_bytes() {
    if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      block_->~block();
      std::free(block_);
    }
  }

  /// A new block of `size` uninitialised bytes. Throws std::bad_alloc.
  [[nodiscard]] static shared_bytes allocate(std::size_t size) {
    void* memory = std::malloc(sizeof(block) + size);
    if (memory == nullptr) throw std::bad_alloc();
    shared_bytes out;
    out.block_ = new (memory) block;
    out.data_ = reinterpret_cast<std::byte*>(out.block_ + 1);
    out.size_ = size;
    return out;
  }
  [[nodiscard]] static shared_bytes copy_of(bytes_view bytes) {
    shared_bytes out = allocate(bytes.size());
    if (!bytes.empty()) std::memcpy(out.data_, bytes.data(), bytes.size());
    return out;
  }

  [[nodiscard]] const std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bytes_view view() const { return {data_, size_}; }
  operator bytes_view() const { return view(); }  // NOLINT: a handle is used wherever its bytes are

  /// The bytes for writing, for the one who has not shared them yet.
  [[nodiscard]] mutable_bytes writable() { return {data_, size_}; }

  /// The same block from `from` on, `size` bytes of it. The range must lie within this slice.
  [[nodiscard]] shared_bytes slice(std::size_t from, std::size_t size) const {
    shared_bytes out(*this);
    out.data_ += from;
    out.size_ = size;
    return out;
  }
  /// A slice given by a view into this one.
  [[nodiscard]] shared_bytes slice(bytes_view part) const {
    return slice(static_cast<std::size_t>(part.data() - data_), part.size());
  }
  /// How many handles share the block; 0 for an empty handle. For tests and for "may I reuse it".
  [[nodiscard]] std::size_t use_count() const {
    return block_ == nullptr ? 0 : block_->references.load(std::memory_order_acquire);
  }

 private:
  struct alignas(16) block {
    std::atomic<std::uint32_t> references{1};
  };

  block* block_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace moldau
