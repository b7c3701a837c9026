#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bytes/endian.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
#include "rt/task.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"
#include "tests/sim/verdict.hpp"
#include "wire/protocol/api_keys.hpp"
#include "wire/protocol/request_header.hpp"
#include "wire/protocol/response_header.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

namespace moldau::scenarios {

/// A response and the buffer that it views.
template <typename Response>
struct reply {
  Response message;
  shared_bytes frame;
};

/// A client's connection to one broker: requests out, responses in, in their order. Whoever waits longer than the
/// timeout finds the connection closed. Not for two tasks at a time.
class session {
 public:
  /// `name` is the client's id, and stands before what is noted of its requests in the log at level debug.
  session(std::string name, rt::world& world, rt::endpoint to, verdict& out,
          rt::duration timeout = std::chrono::seconds(10))
      : name_(std::move(name)), world_(world), to_(std::move(to)), out_(out), timeout_(timeout) {}

  [[nodiscard]] bool connected() const { return socket_ != nullptr; }
  /// How many sent requests haven't been answered.
  [[nodiscard]] std::size_t in_flight() const { return expected_.size(); }
  rt::task<result<void>> connect();
  void close();

  /// After an error, of any of the next three, the connection is closed.
  template <typename Request>
  rt::task<result<void>> send(const Request& request, std::int16_t version) {
    const std::int32_t correlation = ++correlation_;
    expected_.push_back(correlation);
    note("sends", Request::api_key, correlation);
    co_return co_await write(frame_of(request, version, correlation));
  }
  template <typename Response>
  rt::task<result<reply<Response>>> receive(std::int16_t version) {
    auto frame = co_await read_frame();
    if (!frame) co_return std::unexpected<error>(std::move(frame).error());
    wire::reader from(*frame);
    const auto key = static_cast<wire::protocol::api_key>(Response::api_key);
    const auto header =
        wire::protocol::response_header::decode(from, wire::protocol::response_header_version(key, version));
    if (!header) co_return refuse(header.error());
    check_order(header->correlation_id);
    note("receives", Response::api_key, header->correlation_id);
    auto message = Response::decode(from, version);
    if (!message) co_return refuse(message.error());
    co_return reply<Response>{*std::move(message), *std::move(frame)};
  }
  template <typename Response, typename Request>
  rt::task<result<reply<Response>>> call(const Request& request, std::int16_t version) {
    MOLDAU_CO_TRY(co_await send(request, version));
    co_return co_await receive<Response>(version);
  }

 private:
  template <typename Request>
  shared_bytes frame_of(const Request& request, std::int16_t version, std::int32_t correlation) const {
    wire::protocol::request_header header;
    header.request_api_key = Request::api_key;
    header.request_api_version = version;
    header.correlation_id = correlation;
    header.client_id = name_;
    const std::int16_t header_version =
        wire::protocol::request_header_version(static_cast<wire::protocol::api_key>(Request::api_key), version);
    const std::size_t size = header.encoded_size(header_version) + request.encoded_size(version);
    shared_bytes out = shared_bytes::allocate(4 + size);
    bytes::store_be(out.writable().data(), static_cast<std::int32_t>(size));
    wire::writer to(out.writable().subspan(4));
    header.encode(to, header_version);
    request.encode(to, version);
    return out;
  }

  rt::task<result<void>> write(shared_bytes frame);
  rt::task<result<shared_bytes>> read_frame();
  rt::task<result<void>> read_exactly(mutable_bytes into);
  /// The broker answered with bytes that can't be read: that is never right.
  std::unexpected<error> refuse(const error& why);
  void check_order(std::int32_t correlation);
  void note(std::string_view what, std::int16_t api_key, std::int32_t correlation) const;
  [[nodiscard]] std::unique_ptr<rt::timer> watchdog();

  std::string name_;
  rt::world& world_;
  rt::endpoint to_;
  verdict& out_;
  rt::duration timeout_;
  std::unique_ptr<rt::connection> socket_;
  std::int32_t correlation_ = 0;
  std::deque<std::int32_t> expected_;
};

}  // namespace moldau::scenarios
