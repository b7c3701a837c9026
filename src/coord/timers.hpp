#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace moldau::coord {

/// Deadlines by key, in milliseconds of a monotonic clock. Setting a key again moves its deadline. Not thread safe.
template <typename Key>
class timers {
 public:
  void set(Key key, std::int64_t deadline_ms) {
    const auto [at, added] = deadlines_.try_emplace(std::move(key), deadline_ms);
    if (!added) {
      if (at->second == deadline_ms) return;
      order_.erase({at->second, at->first});
      at->second = deadline_ms;
    }
    order_.insert({deadline_ms, at->first});
  }
  void cancel(const Key& key) {
    const auto at = deadlines_.find(key);
    if (at == deadlines_.end()) return;
    order_.erase({at->second, key});
    deadlines_.erase(at);
  }
  void clear() {
    deadlines_.clear();
    order_.clear();
  }
  [[nodiscard]] std::optional<std::int64_t> next_deadline_ms() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }
  /// Takes out all that are due, earliest first.
  [[nodiscard]] std::vector<Key> take_due(std::int64_t now_ms) {
    std::vector<Key> out;
    while (!order_.empty() && order_.begin()->first <= now_ms) {
      out.push_back(order_.begin()->second);
      deadlines_.erase(order_.begin()->second);
      order_.erase(order_.begin());
    }
    return out;
  }

 private:
  std::map<Key, std::int64_t> deadlines_;
  std::set<std::pair<std::int64_t, Key>> order_;
};

}  // namespace moldau::coord
