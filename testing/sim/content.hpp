#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "moldau/core/bytes.hpp"

namespace moldau::testing::sim {

/// The bytes of a file: sparse (what was never written takes no memory and reads as zeros), and cheap to copy, as
/// copies share their pages until one of them writes.
class content {
 public:
  static constexpr std::uint64_t page_size = 4096;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Memory that a disk would need, in bytes.
  [[nodiscard]] std::uint64_t allocated() const { return pages_.size() * page_size; }
  /// How much `allocated` would grow by writing there.
  [[nodiscard]] std::uint64_t growth(std::uint64_t position, std::uint64_t size) const;

  /// What lies within the size; returns how many bytes.
  std::size_t read(std::uint64_t position, mutable_bytes into) const;
  void write(std::uint64_t position, bytes_view bytes);
  /// Cuts, or grows with zeros.
  void resize(std::uint64_t size);
  /// Makes the range, and the size, equal to those of `other` (whole pages are shared).
  void adopt(const content& other, std::uint64_t position, std::uint64_t size);

 private:
  using page = std::array<std::byte, page_size>;

  page& writable_page(std::uint64_t index);

  std::uint64_t size_ = 0;
  std::map<std::uint64_t, std::shared_ptr<page>> pages_;
};

}  // namespace moldau::testing::sim
