#pragma once

#include <cstdint>
#include <optional>

#include "base/assert.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "wire/writer.hpp"

namespace moldau::coord {

/// A record of a coordinator's partition: a key, and a value or (without one) a tombstone.
struct record {
  shared_bytes key;
  std::optional<shared_bytes> value;

  /// What it takes in a batch, at most.
  [[nodiscard]] std::size_t size_bytes_max() const { return key.size() + (value ? value->size() : 0) + 32; }
};

/// Where a record stands and whose it is, as replay meets it.
struct record_place {
  moldau::offset offset = no_offset;
  /// The transaction that it is part of, if any.
  moldau::producer_id transaction = no_producer_id;
};

/// Two bytes of version (in a key: of type), then the message.
template <typename Message>
[[nodiscard]] shared_bytes encode_versioned(const Message& message, std::int16_t head, std::int16_t version) {
  shared_bytes out = shared_bytes::allocate(2 + message.encoded_size(version));
  wire::writer to(out.writable());
  to.i16(head);
  message.encode(to, version);
  MOLDAU_ASSERT(to.status());
  return out;
}

template <typename Key>
[[nodiscard]] shared_bytes encode_key(const Key& key) {
  return encode_versioned(key, Key::type_id, 0);
}
template <typename Value>
[[nodiscard]] shared_bytes encode_value(const Value& value, std::int16_t version) {
  return encode_versioned(value, version, version);
}

}  // namespace moldau::coord
