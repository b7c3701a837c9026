#include "client/group_protocol.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "bytes/endian.hpp"
#include "wire/protocol/consumer_protocol_assignment.hpp"
#include "wire/protocol/consumer_protocol_subscription.hpp"

namespace moldau::client {

using wire::protocol::consumer_protocol_assignment;
using wire::protocol::consumer_protocol_subscription;

namespace {

/// The messages of this protocol begin with their version.
template <typename Message>
shared_bytes encode_versioned(const Message& message, std::int16_t version) {
  shared_bytes out = shared_bytes::allocate(2 + message.encoded_size(version));
  wire::writer to(out.writable());
  to.i16(version);
  message.encode(to, version);
  return out;
}

template <typename Message>
result<Message> decode_versioned(bytes_view bytes) {
  wire::reader in(bytes);
  const std::int16_t version = in.i16();
  MOLDAU_TRY(in.status());
  if (version < 0) return fail(errc::malformed, "a negative version of the consumer protocol");
  // A newer version only adds at the end.
  return Message::decode(in, std::min(version, Message::max_version));
}

template <typename Grouped>
std::vector<Grouped> by_topic(const std::vector<topic_partition>& partitions) {
  std::vector<Grouped> out;
  std::map<std::string_view, std::size_t> places;
  for (const topic_partition& partition : partitions) {
    const auto [place, is_new] = places.try_emplace(partition.topic, out.size());
    if (is_new) out.push_back({.topic = partition.topic});
    out[place->second].partitions.push_back(partition.partition);
  }
  return out;
}

template <typename Grouped>
std::vector<topic_partition> flat(const std::vector<Grouped>& topics) {
  std::vector<topic_partition> out;
  for (const auto& topic : topics) {
    for (const partition_id partition : topic.partitions) out.push_back({std::string(topic.topic), partition});
  }
  return out;
}

std::optional<shared_bytes> kept(const std::optional<bytes_view>& bytes) {
  if (!bytes) return std::nullopt;
  return shared_bytes::copy_of(*bytes);
}

std::optional<bytes_view> viewed(const std::optional<shared_bytes>& bytes) {
  if (!bytes) return std::nullopt;
  return bytes->view();
}

}  // namespace

shared_bytes encode_subscription(const member_subscription& of) {
  consumer_protocol_subscription message{.user_data = viewed(of.user_data), .generation_id = of.generation};
  std::vector<std::string> topics = of.topics;
  std::ranges::sort(topics);
  message.topics.assign(topics.begin(), topics.end());
  std::vector<topic_partition> owned = of.owned;
  std::ranges::sort(owned);
  message.owned_partitions = by_topic<consumer_protocol_subscription::topic_partition>(owned);
  if (of.rack && !of.rack->empty()) message.rack_id = *of.rack;
  return encode_versioned(message, consumer_protocol_subscription::max_version);
}

result<member_subscription> decode_subscription(bytes_view bytes) {
  MOLDAU_TRY_ASSIGN(const auto message, decode_versioned<consumer_protocol_subscription>(bytes));
  member_subscription out;
  out.generation = message.generation_id;
  out.topics.assign(message.topics.begin(), message.topics.end());
  out.user_data = kept(message.user_data);
  out.owned = flat(message.owned_partitions);
  if (message.rack_id) out.rack = *message.rack_id;
  return out;
}

shared_bytes encode_assignment(const member_assignment& of) {
  return encode_versioned(
      consumer_protocol_assignment{
          .assigned_partitions = by_topic<consumer_protocol_assignment::topic_partition>(of.partitions),
          .user_data = viewed(of.user_data)},
      consumer_protocol_assignment::max_version);
}

result<member_assignment> decode_assignment(bytes_view bytes) {
  if (bytes.empty()) return member_assignment();
  MOLDAU_TRY_ASSIGN(const auto message, decode_versioned<consumer_protocol_assignment>(bytes));
  member_assignment out;
  out.partitions = flat(message.assigned_partitions);
  out.user_data = kept(message.user_data);
  return out;
}

}  // namespace moldau::client
