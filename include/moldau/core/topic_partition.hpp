#pragma once

#include <compare>
#include <string>

#include "moldau/core/ids.hpp"

namespace moldau {

/// A partition by its topic's name.
struct topic_partition {
  std::string topic;
  partition_id partition;

  friend auto operator<=>(const topic_partition&, const topic_partition&) = default;
};

/// A partition by its topic's id: what survives a topic's being deleted and made again.
struct topic_id_partition {
  topic_id topic;
  partition_id partition;

  friend auto operator<=>(const topic_id_partition&, const topic_id_partition&) = default;
};

}  // namespace moldau

template <>
struct std::hash<moldau::topic_partition> {
  std::size_t operator()(const moldau::topic_partition& tp) const noexcept {
    return std::hash<std::string>{}(tp.topic) * 31 + static_cast<std::size_t>(tp.partition.value());
  }
};

template <>
struct std::hash<moldau::topic_id_partition> {
  std::size_t operator()(const moldau::topic_id_partition& tp) const noexcept {
    return std::hash<moldau::uuid>{}(tp.topic) * 31 + static_cast<std::size_t>(tp.partition.value());
  }
};
