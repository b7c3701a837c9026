#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "broker/request.hpp"
#include "rt/task.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

namespace moldau::broker {

class shard;

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

template <typename Message>
[[nodiscard]] result<response> encode_response(const request& to, const Message& message,
                                               std::span<std::vector<rt::chunk>> externals = {}) {
  response_frame frame(to, message.encoded_size(to.api_version));
  message.encode(frame.message(), to.api_version);
  auto out = frame.finish(externals);
  if (out) out->errors = errors_in(message);
  return out;
}

/// An answer that sends `message`; one that can't be encoded closes the connection, and says so in the log.
[[nodiscard]] answer answer_with(shard& at, const request& to, result<response> encoded);

/// The frame of most handlers: decodes the body as `Request`, runs `act(shard, request, message)` (a task of the
/// response message) and encodes what it returns. A body that doesn't parse closes the connection, as in Kafka.
template <typename Request, typename Act>
rt::task<answer> serve(shard& at, request& what, Act act) {
  wire::reader from(what.body);
  auto message = Request::decode(from, what.api_version);
  if (!message) co_return answer::close_connection();
  auto out = co_await act(at, what, *message);
  co_return answer_with(at, what, encode_response(what, out));
}

}  // namespace moldau::broker
