#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/topic_config.hpp"
#include "metadata/image.hpp"
#include "moldau/core/ids.hpp"
#include "wire/compression.hpp"

namespace moldau::broker {

/// Whether clients may only read the topic: its records are the coordinators'.
[[nodiscard]] bool is_internal_topic(std::string_view name);

/// A topic as the data path needs it: looked up once, with its configuration worked out.
struct topic_view {
  std::string name;
  topic_id id;
  std::int32_t partitions = 0;
  bool internal = false;
  config::topic_config config;

  [[nodiscard]] bool has_partition(partition_id id_) const { return id_.value() >= 0 && id_.value() < partitions; }
  /// The codec that `compression.type` asks for; nothing for "producer".
  [[nodiscard]] std::optional<wire::codec> stored_codec() const;
  /// The same with its level.
  [[nodiscard]] wire::compression stored_compression() const;
};

[[nodiscard]] topic_view make_topic_view(const metadata::topic& topic, const metadata::image& image,
                                         const config::broker_config& broker);

}  // namespace moldau::broker
