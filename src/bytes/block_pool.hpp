#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace moldau::bytes {

/// Small blocks that are taken and given back again and again (coroutine frames, decompressors), so that a steady
/// stream of them asks the allocator for nothing. One list of each size a thread; a block may be given back on another
/// thread than it was taken on.
///
/// With the address sanitizer every block is the allocator's own, so that it sees what is used too late.
class block_pool {
 public:
  [[nodiscard]] static void* take(std::size_t size) {
    const std::size_t index = index_of(size);
    if (index < classes) {
      list& from = lists().of[index];
      if (from.first != nullptr) {
        free_block* const out = from.first;
        from.first = out->next;
        --from.count;
        return out;
      }
      return ::operator new((index + 1) * step_bytes);
    }
    return ::operator new(size);
  }
  static void give(void* block, std::size_t size) {
    const std::size_t index = index_of(size);
    if (index < classes && !lists().is_gone) {
      list& to = lists().of[index];
      if (to.count < kept_each) {
        to.first = new (block) free_block{to.first};
        ++to.count;
        return;
      }
    }
    ::operator delete(block);
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr std::size_t classes = 0;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  static constexpr std::size_t classes = 0;
#else
  static constexpr std::size_t classes = 32;
#endif
#else
  static constexpr std::size_t classes = 32;
#endif
  static constexpr std::size_t step_bytes = 64;
  static constexpr std::size_t kept_each = 32;

  struct free_block {
    free_block* next = nullptr;
  };
  struct list {
    free_block* first = nullptr;
    std::size_t count = 0;
  };
  struct thread_lists {
    std::array<list, classes + 1> of{};
    /// A block may come back behind its thread's lists.
    bool is_gone = false;
    ~thread_lists() {
      is_gone = true;
      for (list& each : of) {
        while (each.first != nullptr) {
          free_block* const gone = each.first;
          each.first = gone->next;
          ::operator delete(gone);
        }
      }
    }
  };

  static std::size_t index_of(std::size_t size) { return (size - 1) / step_bytes; }
  static thread_lists& lists() {
    static thread_local thread_lists mine;
    return mine;
  }
};

/// What has this base is allocated in the pool; a coroutine whose promise has it, with its frame.
struct pooled {
  [[nodiscard]] static void* operator new(std::size_t size) { return block_pool::take(size); }
  static void operator delete(void* block, std::size_t size) { block_pool::give(block, size); }
};

}  // namespace moldau::bytes
