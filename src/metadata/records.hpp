#pragma once

#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "bytes/varint.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
#include "wire/writer.hpp"

namespace moldau::metadata {

/// What stands before a metadata record's fields.
struct record_head {
  std::uint32_t type = 0;
  std::int16_t version = 0;
};

/// Every record's first byte.
inline constexpr std::uint32_t record_frame = 1;

/// Takes a record's head off the front of `from`. Errors: `malformed`, `unsupported_version` for another frame.
[[nodiscard]] result<record_head> take_record_head(bytes_view& from);

/// A record's value as it goes into a batch: frame, type, version, fields. The record must be one that the version can
/// express.
template <typename Record>
[[nodiscard]] shared_bytes encode_record(const Record& record, std::int16_t version) {
  const auto type = static_cast<std::uint32_t>(Record::type_id);
  const auto v = static_cast<std::uint32_t>(version);
  shared_bytes out =
      shared_bytes::allocate(1 + bytes::varint_size(type) + bytes::varint_size(v) + record.encoded_size(version));
  wire::writer to(out.writable());
  to.varint(record_frame);
  to.varint(type);
  to.varint(v);
  record.encode(to, version);
  MOLDAU_ASSERT(to.status());
  return out;
}

// What version of a record a cluster of that metadata.version may read (`MetadataVersion`).
[[nodiscard]] std::int16_t partition_record_version(std::int16_t metadata_version);
[[nodiscard]] std::int16_t partition_change_record_version(std::int16_t metadata_version);
[[nodiscard]] std::int16_t register_broker_record_version(std::int16_t metadata_version);
[[nodiscard]] bool has_directories(std::int16_t metadata_version);
[[nodiscard]] bool has_eligible_leader_replicas(std::int16_t metadata_version);
[[nodiscard]] bool has_controller_registration(std::int16_t metadata_version);
[[nodiscard]] bool has_scram(std::int16_t metadata_version);
[[nodiscard]] bool has_delegation_tokens(std::int16_t metadata_version);
[[nodiscard]] bool has_transactions(std::int16_t metadata_version);
[[nodiscard]] bool has_cordoned_directories(std::int16_t metadata_version);

}  // namespace moldau::metadata
