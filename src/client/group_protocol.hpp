#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::client {

/// What a member says of itself when it joins (Kafka's ConsumerProtocol).
struct member_subscription {
  std::vector<std::string> topics;
  std::vector<topic_partition> owned;
  std::int32_t generation = -1;
  std::string rack;
};

[[nodiscard]] shared_bytes encode_subscription(const member_subscription& of);
/// Errors: `errc::malformed`.
[[nodiscard]] result<member_subscription> decode_subscription(bytes_view bytes);

[[nodiscard]] shared_bytes encode_assignment(const std::vector<topic_partition>& of);
/// Empty bytes are no partitions. Errors: `errc::malformed`.
[[nodiscard]] result<std::vector<topic_partition>> decode_assignment(bytes_view bytes);

/// A member as the leader sees it.
struct group_member_view {
  std::string id;
  std::optional<std::string> instance_id;
  member_subscription subscription;
};

/// Java's RangeAssignor without racks: of each topic, every member that wants it gets a range, the first ones one more.
/// Members come in the order of their instance ids, then of those without by their ids.
[[nodiscard]] std::map<std::string, std::vector<topic_partition>> assign_range(
    std::vector<group_member_view> members, const std::map<std::string, std::int32_t>& partition_counts);

}  // namespace moldau::client
