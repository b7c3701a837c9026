#include "client/group_protocol.hpp"

#include <algorithm>
#include <set>

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
  for (const topic_partition& partition : partitions) {
    auto found = std::ranges::find(out, std::string_view(partition.topic), &Grouped::topic);
    if (found == out.end()) found = out.insert(out.end(), {.topic = partition.topic});
    found->partitions.push_back(partition.partition);
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

}  // namespace

shared_bytes encode_subscription(const member_subscription& of) {
  consumer_protocol_subscription message{.generation_id = of.generation};
  message.topics.assign(of.topics.begin(), of.topics.end());
  message.owned_partitions = by_topic<consumer_protocol_subscription::topic_partition>(of.owned);
  if (!of.rack.empty()) message.rack_id = of.rack;
  return encode_versioned(message, of.rack.empty() ? 1 : 3);
}

result<member_subscription> decode_subscription(bytes_view bytes) {
  MOLDAU_TRY_ASSIGN(const auto message, decode_versioned<consumer_protocol_subscription>(bytes));
  member_subscription out{.generation = message.generation_id};
  out.topics.assign(message.topics.begin(), message.topics.end());
  out.owned = flat(message.owned_partitions);
  if (message.rack_id) out.rack = *message.rack_id;
  return out;
}

shared_bytes encode_assignment(const std::vector<topic_partition>& of) {
  return encode_versioned(
      consumer_protocol_assignment{.assigned_partitions = by_topic<consumer_protocol_assignment::topic_partition>(of)},
      1);
}

result<std::vector<topic_partition>> decode_assignment(bytes_view bytes) {
  if (bytes.empty()) return std::vector<topic_partition>();
  MOLDAU_TRY_ASSIGN(const auto message, decode_versioned<consumer_protocol_assignment>(bytes));
  return flat(message.assigned_partitions);
}

std::map<std::string, std::vector<topic_partition>> assign_range(
    std::vector<group_member_view> members, const std::map<std::string, std::int32_t>& partition_counts) {
  std::ranges::sort(members, [](const group_member_view& a, const group_member_view& b) {
    if (a.instance_id.has_value() != b.instance_id.has_value()) return a.instance_id.has_value();
    return a.instance_id ? *a.instance_id < *b.instance_id : a.id < b.id;
  });
  std::map<std::string, std::vector<topic_partition>> out;
  for (const auto& member : members) out[member.id];
  for (const auto& [topic, count] : partition_counts) {
    std::vector<const group_member_view*> wanting;
    for (const auto& member : members) {
      if (std::ranges::find(member.subscription.topics, topic) != member.subscription.topics.end()) {
        wanting.push_back(&member);
      }
    }
    if (wanting.empty()) continue;
    const auto size = static_cast<std::int32_t>(wanting.size());
    std::int32_t next = 0;
    for (std::int32_t i = 0; i < size; ++i) {
      const std::int32_t share = count / size + (i < count % size ? 1 : 0);
      for (std::int32_t n = 0; n < share; ++n) {
        out[wanting[static_cast<std::size_t>(i)]->id].push_back({topic, partition_id(next++)});
      }
    }
  }
  return out;
}

}  // namespace moldau::client
