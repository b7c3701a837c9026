#include "peer/request_frame.hpp"

#include "wire/protocol/request_header.hpp"

namespace moldau::peer {

result<std::vector<shared_bytes>> encode_frame(const request_head& head, message_ref body,
                                               const std::vector<shared_bytes>& externals) {
  const wire::protocol::request_header header{.request_api_key = head.api_key,
                                              .request_api_version = head.version,
                                              .correlation_id = head.correlation_id,
                                              .client_id = head.client_id};
  const std::int16_t header_version = head.flexible ? 2 : 1;
  const std::size_t size = 4 + header.encoded_size(header_version) + body.encoded_size(body.message, head.version);
  shared_bytes block = shared_bytes::allocate(size);
  wire::writer out(block.writable());
  out.i32(0);
  header.encode(out, header_version);
  body.encode(body.message, out, head.version);
  MOLDAU_TRY(out.status());
  const std::size_t frame = out.position() + out.external_size() - 4;
  if (frame > 0x7fffffffU) return fail(errc::message_too_large, "a request can't be longer than 2 GiB");
  bytes::store_be(block.writable().data(), static_cast<std::int32_t>(frame));

  std::vector<shared_bytes> chunks;
  std::size_t from = 0;
  for (const wire::splice& splice : out.splices()) {
    MOLDAU_ASSERT(splice.id < externals.size() && externals[splice.id].size() == splice.size);
    chunks.push_back(block.slice(from, splice.position - from));
    chunks.push_back(externals[splice.id]);
    from = splice.position;
  }
  if (from < out.position()) chunks.push_back(block.slice(from, out.position() - from));
  return chunks;
}

}  // namespace moldau::peer
