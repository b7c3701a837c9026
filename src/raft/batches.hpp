#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/assert.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/record.hpp"
#include "moldau/core/result.hpp"
#include "wire/record_batch.hpp"
#include "wire/record_control.hpp"
#include "wire/writer.hpp"

namespace moldau::raft {

/// Kafka's bound for one batch of the metadata log.
inline constexpr std::size_t max_batch_bytes = 8 * 1024 * 1024;

/// A message's bytes in that version. The message must be one that the version can express.
template <typename Message>
[[nodiscard]] shared_bytes encode(const Message& message, std::int16_t version) {
  shared_bytes out = shared_bytes::allocate(message.encoded_size(version));
  wire::writer to(out.writable());
  message.encode(to, version);
  MOLDAU_ASSERT(to.status());
  return out;
}

/// Where a batch is to stand, and its records' time.
struct batch_place {
  offset base{0};
  leader_epoch epoch{0};
  std::int64_t now_ms = 0;
};

struct control_record {
  wire::control_record_type type;
  shared_bytes value;
};

/// One uncompressed batch of data records without keys.
[[nodiscard]] shared_bytes make_batch(std::span<const shared_bytes> values, batch_place place);
/// One control batch.
[[nodiscard]] shared_bytes make_control_batch(std::span<const control_record> records, batch_place place);

/// How many of `values`, from the first on, fit into one batch: at least one.
[[nodiscard]] std::size_t batch_prefix(std::span<const shared_bytes> values);

/// Calls `each` with every record of one batch. Errors: `malformed`; what `each` returns.
[[nodiscard]] result<void> for_each_record(wire::batch_view batch,
                                           const std::function<result<void>(const record_view&)>& each);

}  // namespace moldau::raft
