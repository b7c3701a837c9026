#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
#include "rt/transport.hpp"
#include "wire/writer.hpp"

namespace moldau::peer {

/// Any generated request, without its type: so that what handles it needn't be a template.
struct message_ref {
  const void* message;
  std::size_t (*encoded_size)(const void*, std::int16_t version);
  void (*encode)(const void*, wire::writer&, std::int16_t version);

  template <typename Message>
  [[nodiscard]] static message_ref to(const Message& message) {
    return {&message, [](const void* m, std::int16_t v) { return static_cast<const Message*>(m)->encoded_size(v); },
            [](const void* m, wire::writer& out, std::int16_t v) { static_cast<const Message*>(m)->encode(out, v); }};
  }
};

struct request_head {
  std::int16_t api_key = 0;
  std::int16_t version = 0;
  /// Flexible versions of a request have a header with tagged fields.
  bool flexible = false;
  std::int32_t correlation_id = 0;
  std::string_view client_id;
};

/// Makes requests as they go over the wire: length, header, body. It keeps its memory, so that one after another takes
/// none. Not thread safe.
class frame_encoder {
 public:
  /// Adds the pieces of a request to `out`. `externals` are the bytes that the message's external records stand for,
  /// named by their ids as indexes; they are not copied.
  /// Errors: as `wire::writer::status`; `out` is as it was.
  [[nodiscard]] result<void> encode(const request_head& head, message_ref body, std::span<const shared_bytes> externals,
                                    std::vector<rt::chunk>& out);

 private:
  shared_bytes block_of(std::size_t size);

  std::vector<wire::splice> splices_;
  /// Blocks of requests; those that nobody else holds any more are used again.
  std::array<shared_bytes, 8> blocks_;
  std::size_t next_block_ = 0;
};

}  // namespace moldau::peer
