#pragma once

#include <cstddef>
#include <list>
#include <optional>

#include "moldau/testing/fake_broker.hpp"

namespace moldau::testing::fake {

/// The injected faults that haven't struck yet.
class fault_book {
 public:
  void add(fault what) {
    if (what.times > 0) faults_.push_back(std::move(what));
  }
  void clear() { faults_.clear(); }

  /// What strikes this request, if anything.
  [[nodiscard]] std::optional<fault> strike(std::int16_t key, broker_id on) {
    for (auto one = faults_.begin(); one != faults_.end(); ++one) {
      if (one->of && static_cast<std::int16_t>(*one->of) != key) continue;
      if (one->on && *one->on != on) continue;
      if (one->skip > 0) {
        --one->skip;
        continue;
      }
      const fault out = *one;
      if (--one->times == 0) faults_.erase(one);
      return out;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::size_t left() const {
    std::size_t out = 0;
    for (const fault& one : faults_) out += one.times;
    return out;
  }

 private:
  std::list<fault> faults_;
};

}  // namespace moldau::testing::fake
