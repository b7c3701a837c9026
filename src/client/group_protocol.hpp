#pragma once

#include <string_view>
#include <vector>

#include "moldau/client/assignor.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::client {

/// A classic consumer group's protocol type; a Connect worker's is "connect".
inline constexpr std::string_view consumer_protocol_type = "consumer";

/// Kafka's ConsumerProtocol. Written in its newest version (3): whoever knows only older ones reads what it knows,
/// since newer ones add at the end.
[[nodiscard]] shared_bytes encode_subscription(const member_subscription& of);
/// Errors: `errc::malformed`.
[[nodiscard]] result<member_subscription> decode_subscription(bytes_view bytes);

[[nodiscard]] shared_bytes encode_assignment(const member_assignment& of);
/// Empty bytes are no partitions. Errors: `errc::malformed`.
[[nodiscard]] result<member_assignment> decode_assignment(bytes_view bytes);

}  // namespace moldau::client
