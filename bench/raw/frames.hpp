#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moldau/core/bytes.hpp"

namespace moldau::bench {

/// A record batch as every produce request of a run holds it.
struct batch {
  shared_bytes bytes;
  std::int64_t records = 0;
};

/// An uncompressed batch of records with values of `record_bytes` bytes, as many as fit into `batch_bytes`.
[[nodiscard]] batch make_batch(std::size_t record_bytes, std::size_t batch_bytes);

/// A produce request (length included) with `of` for each of the partitions.
[[nodiscard]] shared_bytes produce_frame(const std::string& topic, const std::vector<std::int32_t>& partitions,
                                         const batch& of, std::int16_t acks);
/// Ends the program unless every partition was answered without an error.
void check_produce_response(bytes_view frame_without_length);

/// A place in a partition that is fetched from.
struct fetch_place {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};
/// A fetch request (length included), version 11: its response has fields of fixed size only, so that a reader finds
/// the records by counting.
[[nodiscard]] shared_bytes fetch_frame(const std::string& topic, const std::vector<fetch_place>& places,
                                       std::int32_t partition_bytes_max);
/// Bytes of a fetch response before its first partition, length included, and of each partition before its records.
[[nodiscard]] std::size_t fetch_head_bytes(const std::string& topic);
inline constexpr std::size_t fetch_partition_head_bytes = 4 + 2 + 8 + 8 + 8 + 4 + 4 + 4;

/// A request to make a topic of one replica, and whether its response says that it is there.
[[nodiscard]] shared_bytes create_topic_frame(const std::string& topic, std::int32_t partitions);
void check_create_response(bytes_view frame_without_length);
/// A metadata request, and how many of the topic's partitions its response says have a leader.
[[nodiscard]] shared_bytes metadata_frame(const std::string& topic);
[[nodiscard]] std::int32_t partitions_with_leader(bytes_view frame_without_length);

}  // namespace moldau::bench
