#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
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

/// A request as it goes over the wire: length, header, body. `externals` are the bytes that the message's external
/// records stand for, named by their ids as indexes; they are not copied.
/// Errors: as `wire::writer::status`.
[[nodiscard]] result<std::vector<shared_bytes>> encode_frame(const request_head& head, message_ref body,
                                                             const std::vector<shared_bytes>& externals);

}  // namespace moldau::peer
