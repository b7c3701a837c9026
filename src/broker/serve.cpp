#include "broker/serve.hpp"

#include <utility>

#include "broker/shard.hpp"
#include "bytes/endian.hpp"
#include "wire/protocol/api_keys.hpp"

namespace moldau::broker {
namespace {

std::size_t header_size(const request& to) {
  // Length and correlation id, then from response header 1 on an empty set of tagged fields.
  return 8 +
         (wire::protocol::response_header_version(static_cast<wire::protocol::api_key>(to.api_key), to.api_version) >= 1
              ? 1
              : 0);
}

}  // namespace

void charge_decoded(shard& at, request& what, std::size_t bytes) {
  at.budget().charge(bytes, what.memory);
  what.decoded_bytes += bytes;
}

void release_decoded(shard& at, request& what) {
  at.budget().shrink(std::exchange(what.decoded_bytes, 0), what.memory);
}

response_frame::response_frame(const request& to, std::size_t message_bytes)
    : head_(shared_bytes::allocate(header_size(to) + message_bytes)),
      writer_(head_.writable().subspan(header_size(to))),
      header_bytes_(header_size(to)) {
  mutable_bytes header = head_.writable().first(header_bytes_);
  bytes::store_be(header.data() + 4, to.correlation_id);
  if (header_bytes_ > 8) header[8] = std::byte{0};
}

result<response> response_frame::finish(std::span<std::vector<rt::chunk>> externals) {
  MOLDAU_TRY(writer_.status());
  response out;
  out.size_bytes = header_bytes_ + writer_.position() + writer_.external_size();
  bytes::store_be(head_.writable().data(), static_cast<std::int32_t>(out.size_bytes - 4));
  out.message_bytes = head_.size();
  std::size_t from = 0;
  for (const wire::splice& splice : writer_.splices()) {
    const std::size_t to = header_bytes_ + splice.position;
    if (to > from) out.chunks.emplace_back(head_.slice(from, to - from));
    auto& chunks = externals[splice.id];
    std::move(chunks.begin(), chunks.end(), std::back_inserter(out.chunks));
    from = to;
  }
  const std::size_t end = header_bytes_ + writer_.position();
  if (end > from) out.chunks.emplace_back(head_.slice(from, end - from));
  return out;
}

answer answer_with(shard& at, const request& to, result<response> encoded) {
  if (encoded) return {.what = answer::kind::send, .frame = *std::move(encoded)};
  // It is a mistake of ours, yet whoever knows of it can ask again and again: it is told once an API.
  if (at.is_first_unanswerable(to.api_key)) {
    at.log().error("cannot answer api key {} version {}: {}", to.api_key, to.api_version, encoded.error().message);
  }
  return answer::close_connection();
}

}  // namespace moldau::broker
