#pragma once

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bytes/endian.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
#include "rt/task.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"
#include "wire/batch_builder.hpp"
#include "wire/protocol/api_keys.hpp"
#include "wire/protocol/request_header.hpp"
#include "wire/protocol/response_header.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

namespace moldau::broker::testing {

/// A connection that speaks the protocol and nothing else: requests out, responses in, by hand.
class test_client {
 public:
  explicit test_client(std::unique_ptr<rt::connection> socket) : socket_(std::move(socket)) {}

  static rt::task<result<test_client>> connect(rt::world& world, rt::endpoint to) {
    auto socket = co_await world.net().connect(std::move(to), 5000);
    if (!socket) co_return std::unexpected<error>(std::move(socket).error());
    co_return test_client(*std::move(socket));
  }

  /// A response and the buffer that it views.
  template <typename Response>
  struct reply {
    Response message;
    shared_bytes frame;
  };

  template <typename Request>
  static shared_bytes frame_of(const Request& request, std::int16_t version, std::int32_t correlation) {
    const auto key = static_cast<wire::protocol::api_key>(Request::api_key);
    wire::protocol::request_header header;
    header.request_api_key = Request::api_key;
    header.request_api_version = version;
    header.correlation_id = correlation;
    header.client_id = "test";
    const std::int16_t header_version = wire::protocol::request_header_version(key, version);
    const std::size_t size = header.encoded_size(header_version) + request.encoded_size(version);
    shared_bytes out = shared_bytes::allocate(4 + size);
    bytes::store_be(out.writable().data(), static_cast<std::int32_t>(size));
    wire::writer to(out.writable().subspan(4));
    header.encode(to, header_version);
    request.encode(to, version);
    return out;
  }

  template <typename Response, typename Request>
  rt::task<result<reply<Response>>> call(const Request& request, std::int16_t version) {
    MOLDAU_CO_TRY(co_await send(frame_of(request, version, ++correlation_)));
    co_return co_await receive<Response>(version);
  }

  rt::task<result<void>> send(shared_bytes frame) {
    std::vector<rt::chunk> chunks;
    chunks.emplace_back(std::move(frame));
    co_return co_await socket_->write(std::move(chunks));
  }

  template <typename Response>
  rt::task<result<reply<Response>>> receive(std::int16_t version) {
    auto frame = co_await receive_frame();
    if (!frame) co_return std::unexpected<error>(std::move(frame).error());
    wire::reader from(*frame);
    const auto key = static_cast<wire::protocol::api_key>(Response::api_key);
    auto header = wire::protocol::response_header::decode(from, wire::protocol::response_header_version(key, version));
    if (!header) co_return std::unexpected<error>(std::move(header).error());
    auto message = Response::decode(from, version);
    if (!message) co_return std::unexpected<error>(std::move(message).error());
    co_return reply<Response>{*std::move(message), *std::move(frame)};
  }

  rt::task<result<shared_bytes>> receive_frame() {
    std::byte length[4];
    MOLDAU_CO_TRY(co_await read_exactly(length));
    shared_bytes frame = shared_bytes::allocate(static_cast<std::size_t>(bytes::load_be<std::int32_t>(length)));
    MOLDAU_CO_TRY(co_await read_exactly(frame.writable()));
    co_return frame;
  }

  rt::task<result<void>> read_exactly(mutable_bytes into) {
    while (!into.empty()) {
      auto got = co_await socket_->read_some(into);
      if (!got) co_return std::unexpected<error>(std::move(got).error());
      if (*got == 0) co_return fail(errc::closed, "the peer has ended");
      into = into.subspan(*got);
    }
    co_return result<void>{};
  }

  rt::connection& socket() { return *socket_; }

 private:
  std::unique_ptr<rt::connection> socket_;
  std::int32_t correlation_ = 0;
};

/// One uncompressed batch with a record for each value.
inline shared_bytes batch_of(std::initializer_list<std::string_view> values, std::int64_t timestamp_ms) {
  wire::batch_builder builder;
  builder.begin({});
  for (const std::string_view value : values) {
    if (!builder.append(timestamp_ms, std::nullopt, as_bytes(value))) std::abort();
  }
  wire::codec_context context;
  return *builder.finish(context);
}

}  // namespace moldau::broker::testing
