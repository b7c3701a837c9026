#include "testing/sim/content.hpp"

#include <algorithm>
#include <cstring>

namespace moldau::testing::sim {

std::uint64_t content::growth(std::uint64_t position, std::uint64_t size) const {
  if (size == 0) return 0;
  const std::uint64_t first = position / page_size;
  const std::uint64_t last = (position + size - 1) / page_size;
  const auto present = std::distance(pages_.lower_bound(first), pages_.upper_bound(last));
  return (last - first + 1 - static_cast<std::uint64_t>(present)) * page_size;
}

std::size_t content::read(std::uint64_t position, mutable_bytes into) const {
  if (position >= size_) return 0;
  const std::size_t total = std::min<std::uint64_t>(into.size(), size_ - position);
  for (std::size_t done = 0; done < total;) {
    const std::uint64_t within = (position + done) % page_size;
    const std::size_t part = std::min<std::uint64_t>(total - done, page_size - within);
    const auto found = pages_.find((position + done) / page_size);
    if (found == pages_.end()) {
      std::memset(into.data() + done, 0, part);
    } else {
      std::memcpy(into.data() + done, found->second->data() + within, part);
    }
    done += part;
  }
  return total;
}

content::page& content::writable_page(std::uint64_t index) {
  auto& slot = pages_[index];
  if (!slot) {
    slot = std::make_shared<page>();
  } else if (slot.use_count() > 1) {
    slot = std::make_shared<page>(*slot);
  }
  return *slot;
}

void content::write(std::uint64_t position, bytes_view bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const std::uint64_t within = (position + done) % page_size;
    const std::size_t part = std::min<std::uint64_t>(bytes.size() - done, page_size - within);
    std::memcpy(writable_page((position + done) / page_size).data() + within, bytes.data() + done, part);
    done += part;
  }
  if (!bytes.empty()) size_ = std::max(size_, position + bytes.size());
}

void content::resize(std::uint64_t size) {
  if (size < size_) {
    pages_.erase(pages_.lower_bound((size + page_size - 1) / page_size), pages_.end());
    // What grows over the cut later must read as zeros.
    if (const std::uint64_t within = size % page_size; within != 0 && pages_.contains(size / page_size)) {
      page& last = writable_page(size / page_size);
      std::memset(last.data() + within, 0, page_size - within);
    }
  }
  size_ = size;
}

void content::adopt(const content& other, std::uint64_t position, std::uint64_t size) {
  resize(other.size_);
  if (size == 0) return;
  const std::uint64_t first = position / page_size;
  const std::uint64_t last = (position + size - 1) / page_size;
  pages_.erase(pages_.lower_bound(first), pages_.upper_bound(last));
  for (auto at = other.pages_.lower_bound(first); at != other.pages_.end() && at->first <= last; ++at) {
    pages_.insert(*at);
  }
}

}  // namespace moldau::testing::sim
