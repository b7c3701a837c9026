#include "broker/topic_view.hpp"

#include <algorithm>
#include <array>

namespace moldau::broker {

bool is_internal_topic(std::string_view name) {
  static constexpr std::array internal{std::string_view("__consumer_offsets"), std::string_view("__transaction_state"),
                                       std::string_view("__share_group_state")};
  return std::ranges::find(internal, name) != internal.end();
}

std::optional<wire::codec> topic_view::stored_codec() const {
  switch (config.compression) {
    case config::topic_compression::producer:
      return std::nullopt;
    case config::topic_compression::uncompressed:
      return wire::codec::none;
    case config::topic_compression::gzip:
      return wire::codec::gzip;
    case config::topic_compression::snappy:
      return wire::codec::snappy;
    case config::topic_compression::lz4:
      return wire::codec::lz4;
    case config::topic_compression::zstd:
      return wire::codec::zstd;
  }
  return std::nullopt;
}

wire::compression topic_view::stored_compression() const {
  const wire::codec type = stored_codec().value_or(wire::codec::none);
  switch (type) {
    case wire::codec::gzip:
      return {type, config.compression_gzip_level};
    case wire::codec::lz4:
      return {type, config.compression_lz4_level};
    case wire::codec::zstd:
      return {type, config.compression_zstd_level};
    default:
      return wire::compression::of(type);
  }
}

topic_view make_topic_view(const metadata::topic& topic, const metadata::image& image,
                           const config::broker_config& broker) {
  return {.name = topic.name,
          .id = topic.id,
          .partitions = static_cast<std::int32_t>(topic.partitions.size()),
          .internal = is_internal_topic(topic.name),
          .config = config::effective_topic_config(broker,
                                                   image.config_of(metadata::config_resource_type::topic, topic.name))};
}

}  // namespace moldau::broker
