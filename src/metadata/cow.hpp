#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "base/assert.hpp"

namespace moldau::metadata {

/// A value that copies share until one of them edits it.
///
/// `edit` copies the value once and then changes it in place, until `seal` says that it is about to be shared. Only a
/// sealed one may be copied: whether a value is ours alone is told by a flag and never by a reference count, which
/// other threads move. Reading a sealed one is thread safe; everything else isn't.
template <typename T>
class cow {
 public:
  cow() = default;
  cow(const cow& other) : value_(other.value_) { MOLDAU_ASSERT(!other.own_); }
  cow(cow&& other) noexcept : value_(std::move(other.value_)), own_(std::exchange(other.own_, false)) {}
  cow& operator=(cow other) noexcept {
    std::swap(value_, other.value_);
    std::swap(own_, other.own_);
    return *this;
  }

  [[nodiscard]] const T& get() const {
    static const T empty{};
    return value_ == nullptr ? empty : *value_;
  }
  [[nodiscard]] const T& operator*() const { return get(); }
  [[nodiscard]] const T* operator->() const { return &get(); }

  [[nodiscard]] T& edit() {
    if (!own_) {
      value_ = value_ == nullptr ? std::make_shared<T>() : std::make_shared<T>(*value_);
      own_ = true;
    }
    return *value_;
  }
  void seal() { own_ = false; }
  /// Whether both are one value in memory, so that nothing can differ.
  [[nodiscard]] bool same_as(const cow& other) const { return value_ == other.value_; }

  friend bool operator==(const cow& a, const cow& b) { return a.value_ == b.value_ || a.get() == b.get(); }

 private:
  std::shared_ptr<T> value_;
  bool own_ = false;
};

/// A map whose copies share all but the parts that were edited: a change among 10,000 entries copies some forty.
/// Values should be cheap to copy (`std::shared_ptr<const ...>`). Iterates in an order that depends only on the keys.
template <typename K, typename V>
class cow_map {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Null if there is none; valid until this map is edited.
  template <typename Key>
  [[nodiscard]] const V* find(const Key& key) const {
    const auto& part = *parts_[part_of(key)];
    const auto it = part.find(key);
    return it == part.end() ? nullptr : &it->second;
  }
  void set(const K& key, V value) {
    auto& part = parts_[part_of(key)].edit();
    if (part.insert_or_assign(key, std::move(value)).second) ++size_;
  }
  bool erase(const K& key) {
    if (find(key) == nullptr) return false;
    parts_[part_of(key)].edit().erase(key);
    --size_;
    return true;
  }
  /// Calls `each(key, value)` for every entry.
  template <typename F>
  void for_each(F&& each) const {
    for (const auto& part : parts_) {
      for (const auto& [key, value] : *part) each(key, value);
    }
  }
  void seal() {
    for (auto& part : parts_) part.seal();
  }

  friend bool operator==(const cow_map& a, const cow_map& b) { return a.size_ == b.size_ && a.parts_ == b.parts_; }

 private:
  static constexpr std::size_t part_count = 256;
  template <typename Key>
  [[nodiscard]] static std::size_t part_of(const Key& key) {
    return std::hash<Key>{}(key) % part_count;
  }

  std::array<cow<std::map<K, V, std::less<>>>, part_count> parts_;
  std::size_t size_ = 0;
};

}  // namespace moldau::metadata
