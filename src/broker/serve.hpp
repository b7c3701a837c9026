#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "broker/request.hpp"
#include "broker/response_room.hpp"
#include "rt/task.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

namespace moldau::broker {

class shard;

/// Charges what a request's decoded message takes to the core's memory budget, until it is answered.
void charge_decoded(shard& at, request& what, std::size_t bytes);
/// Gives that back before: the handler has let go of the message's arrays. Other requests may run inside this call.
void release_decoded(shard& at, request& what);

/// The body as `Request`; nothing if it doesn't parse, which closes the connection, as in Kafka.
template <typename Request>
[[nodiscard]] std::optional<Request> decode_request(shard& at, request& what) {
  wire::reader from(what.body);
  auto message = Request::decode(from, what.api_version);
  charge_decoded(at, what, from.memory_taken());
  if (!message) return std::nullopt;
  return *std::move(message);
}

/// Room for a response: its length and header written, the message still to come.
class response_frame {
 public:
  response_frame(const request& to, std::size_t message_bytes);

  [[nodiscard]] wire::writer& message() { return writer_; }
  /// The bytes that `writer_.splices()` asks for stand in `externals`, indexed by the splice's id.
  /// Errors: what the writer says of a message that this version can't hold.
  [[nodiscard]] result<response> finish(std::span<std::vector<rt::chunk>> externals);

 private:
  shared_bytes head_;
  wire::writer writer_;
  std::size_t header_bytes_;
};

/// `message` of that size, its errors settled.
template <typename Message>
[[nodiscard]] result<response> encode_response(const request& to, const Message& message, std::size_t size_bytes,
                                               error_counts errors, std::span<std::vector<rt::chunk>> externals = {}) {
  response_frame frame(to, size_bytes);
  message.encode(frame.message(), to.api_version);
  auto out = frame.finish(externals);
  if (out) out->errors = std::move(errors);
  return out;
}
template <typename Message>
[[nodiscard]] result<response> encode_response(const request& to, Message& message,
                                               std::span<std::vector<rt::chunk>> externals = {}) {
  error_counts errors = settle_errors(message);
  return encode_response(to, message, message.encoded_size(to.api_version), std::move(errors), externals);
}

/// An answer that sends `message`; one that can't be encoded closes the connection, and says so in the log.
[[nodiscard]] answer answer_with(shard& at, const request& to, result<response> encoded);

/// The frame of most handlers: decodes the body as `Request`, runs `act(shard, request, message)` (a task of the
/// response message) and encodes what it returns.
template <typename Request, typename Act>
rt::task<answer> serve(shard& at, request& what, Act act) {
  const auto message = decode_request<Request>(at, what);
  if (!message) co_return answer::close_connection();
  auto out = co_await act(at, what, *message);
  error_counts errors = settle_errors(out);
  const std::size_t size = out.encoded_size(what.api_version);
  if (size >= large_response_bytes) co_await wait_for_memory(at, what, size);
  co_return answer_with(at, what, encode_response(what, out, size, std::move(errors)));
}

}  // namespace moldau::broker
