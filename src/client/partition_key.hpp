#pragma once

#include <compare>
#include <string_view>

#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::client {

/// A partition as messages name it: for looking one up without making a string.
struct partition_key {
  std::string_view topic;
  partition_id partition;

  partition_key(std::string_view of, partition_id number) : topic(of), partition(number) {}
  partition_key(const topic_partition& of) : topic(of.topic), partition(of.partition) {}  // NOLINT: the same thing

  friend auto operator<=>(const partition_key&, const partition_key&) = default;
};

struct partition_less {
  using is_transparent = void;
  bool operator()(const partition_key& a, const partition_key& b) const { return a < b; }
};

}  // namespace moldau::client
