#include "bench/raw/frames.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstring>

#include "bench/arguments.hpp"
#include "bytes/endian.hpp"
#include "wire/batch_builder.hpp"
#include "wire/protocol/api_keys.hpp"
#include "wire/protocol/create_topics_request.hpp"
#include "wire/protocol/create_topics_response.hpp"
#include "wire/protocol/fetch_request.hpp"
#include "wire/protocol/metadata_request.hpp"
#include "wire/protocol/metadata_response.hpp"
#include "wire/protocol/produce_request.hpp"
#include "wire/protocol/produce_response.hpp"
#include "wire/protocol/request_header.hpp"
#include "wire/protocol/response_header.hpp"

namespace moldau::bench {

namespace protocol = wire::protocol;

namespace {

constexpr std::int16_t produce_version = 12;
constexpr std::int16_t fetch_version = 11;
constexpr std::int16_t create_version = 5;
constexpr std::int16_t metadata_version = 9;

template <typename Request>
shared_bytes frame_of(const Request& request, std::int16_t version) {
  const auto key = static_cast<protocol::api_key>(Request::api_key);
  protocol::request_header header;
  header.request_api_key = Request::api_key;
  header.request_api_version = version;
  header.correlation_id = 1;
  header.client_id = "bench";
  const std::int16_t header_version = protocol::request_header_version(key, version);
  const std::size_t size = header.encoded_size(header_version) + request.encoded_size(version);
  shared_bytes out = shared_bytes::allocate(4 + size);
  bytes::store_be(out.writable().data(), static_cast<std::int32_t>(size));
  wire::writer to(out.writable().subspan(4));
  header.encode(to, header_version);
  request.encode(to, version);
  if (!to.status()) give_up("a request can't be encoded");
  return out;
}

template <typename Response>
Response response_of(bytes_view frame, std::int16_t version) {
  wire::reader from(frame);
  const auto key = static_cast<protocol::api_key>(Response::api_key);
  const auto header = protocol::response_header::decode(from, protocol::response_header_version(key, version));
  auto message = Response::decode(from, version);
  if (!header || !message) give_up("a response can't be decoded");
  return *std::move(message);
}

}  // namespace

batch make_batch(std::size_t record_bytes, std::size_t batch_bytes) {
  // Bytes that don't repeat, should anybody compress them.
  std::vector<std::byte> value(record_bytes);
  std::uint32_t state = 1;
  for (auto& each : value) {
    state = state * 1664525 + 1013904223;
    each = static_cast<std::byte>(state >> 24U);
  }
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  wire::batch_builder builder(batch_bytes);
  builder.begin({});
  do {
    if (!builder.append(now, std::nullopt, value)) give_up("a record can't be appended");
  } while (builder.uncompressed_bytes() + wire::batch_builder::record_bytes_max(std::nullopt, value) <= batch_bytes);
  const std::int64_t records = builder.record_count();
  wire::codec_context context;
  auto bytes = builder.finish(context);
  if (!bytes) give_up("a batch can't be made");
  return {*std::move(bytes), records};
}

shared_bytes produce_frame(const std::string& topic, const std::vector<std::int32_t>& partitions, const batch& of,
                           std::int16_t acks) {
  protocol::produce_request request;
  request.acks = acks;
  request.timeout_ms = 30'000;
  auto& data = request.topic_data.emplace_back();
  data.name = topic;
  for (const auto partition : partitions) {
    auto& each = data.partition_data.emplace_back();
    each.index = partition_id(partition);
    each.records = of.bytes.view();
  }
  return frame_of(request, produce_version);
}

void check_produce_response(bytes_view frame) {
  const auto response = response_of<protocol::produce_response>(frame, produce_version);
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partition_responses) {
      if (partition.error_code != errc::none) {
        give_up(fmt::format("produce failed with error {}", static_cast<int>(partition.error_code)));
      }
    }
  }
}

shared_bytes fetch_frame(const std::string& topic, const std::vector<fetch_place>& places,
                         std::int32_t partition_bytes_max) {
  protocol::fetch_request request;
  request.max_wait_ms = 100;
  request.min_bytes = 1;
  request.max_bytes = 50 << 20;
  request.session_epoch = -1;
  auto& wanted = request.topics.emplace_back();
  wanted.topic = topic;
  for (const auto& place : places) {
    auto& each = wanted.partitions.emplace_back();
    each.partition = partition_id(place.partition);
    each.fetch_offset = offset(place.offset);
    each.partition_max_bytes = partition_bytes_max;
  }
  return frame_of(request, fetch_version);
}

std::size_t fetch_head_bytes(const std::string& topic) {
  // Length, correlation id, throttle time, error, session, topics, name, partitions.
  return 4 + 4 + 4 + 2 + 4 + 4 + 2 + topic.size() + 4;
}

shared_bytes create_topic_frame(const std::string& topic, std::int32_t partitions) {
  protocol::create_topics_request request;
  request.timeout_ms = 60'000;
  auto& each = request.topics.emplace_back();
  each.name = topic;
  each.num_partitions = partitions;
  each.replication_factor = 1;
  return frame_of(request, create_version);
}

void check_create_response(bytes_view frame) {
  const auto response = response_of<protocol::create_topics_response>(frame, create_version);
  for (const auto& topic : response.topics) {
    if (topic.error_code != errc::none && topic.error_code != errc::topic_already_exists) {
      give_up(fmt::format("topic {} isn't made: error {}", topic.name, static_cast<int>(topic.error_code)));
    }
  }
}

shared_bytes metadata_frame(const std::string& topic) {
  protocol::metadata_request request;
  request.topics.emplace().emplace_back().name = topic;
  request.allow_auto_topic_creation = false;
  return frame_of(request, metadata_version);
}

std::int32_t partitions_with_leader(bytes_view frame) {
  const auto response = response_of<protocol::metadata_response>(frame, metadata_version);
  std::int32_t count = 0;
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code == errc::none && partition.leader_id.value() >= 0) ++count;
    }
  }
  return count;
}

}  // namespace moldau::bench
