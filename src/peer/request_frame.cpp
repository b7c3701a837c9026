#include "peer/request_frame.hpp"

#include <algorithm>

#include "wire/protocol/request_header.hpp"

namespace moldau::peer {

namespace {
/// Small, as requests are but for what is spliced in.
constexpr std::size_t block_bytes = 512;
}  // namespace

shared_bytes frame_encoder::block_of(std::size_t size) {
  if (size > block_bytes) return shared_bytes::allocate(size);
  shared_bytes& block = blocks_[next_block_++ % blocks_.size()];
  if (block.use_count() != 1) block = shared_bytes::allocate(block_bytes);
  return block.slice(0, size);
}

result<void> frame_encoder::encode(const request_head& head, message_ref body, std::span<const shared_bytes> externals,
                                   std::vector<rt::chunk>& out) {
  const wire::protocol::request_header header{.request_api_key = head.api_key,
                                              .request_api_version = head.version,
                                              .correlation_id = head.correlation_id,
                                              .client_id = head.client_id};
  const std::int16_t header_version = head.flexible ? 2 : 1;
  const std::size_t size = 4 + header.encoded_size(header_version) + body.encoded_size(body.message, head.version);
  shared_bytes block = block_of(size);
  wire::writer to(block.writable(), std::move(splices_));
  to.i32(0);
  header.encode(to, header_version);
  body.encode(body.message, to, head.version);
  const auto status = to.status();
  const std::size_t written = to.position();
  const std::size_t frame = written + to.external_size() - 4;
  splices_ = to.take_splices();
  MOLDAU_TRY(status);
  if (frame > 0x7fffffffU) return fail(errc::message_too_large, "a request can't be longer than 2 GiB");
  bytes::store_be(block.writable().data(), static_cast<std::int32_t>(frame));

  std::size_t from = 0;
  for (const wire::splice& splice : splices_) {
    MOLDAU_ASSERT(splice.id < externals.size() && externals[splice.id].size() == splice.size);
    out.emplace_back(block.slice(from, splice.position - from));
    out.emplace_back(externals[splice.id]);
    from = splice.position;
  }
  if (from < written) out.emplace_back(block.slice(from, written - from));
  return {};
}

}  // namespace moldau::peer
