#include "metadata/records.hpp"

#include <fmt/format.h>

namespace moldau::metadata {

result<record_head> take_record_head(bytes_view& from) {
  const auto frame = bytes::read_varint32(from);
  const auto type = bytes::read_varint32(from);
  const auto version = bytes::read_varint32(from);
  if (!frame || !type || !version || *version > 0x7fff) {
    return fail(errc::malformed, "a metadata record is cut short");
  }
  if (*frame != record_frame) {
    return fail(errc::unsupported_version,
                fmt::format("a metadata record has frame version {}, and only {} is known here", *frame, record_frame));
  }
  return record_head{.type = *type, .version = static_cast<std::int16_t>(*version)};
}

// Levels of metadata.version: 11 is 3.5-IV2, 13 and 14 3.6-IV1 and IV2, 15 and 17 3.7-IV0 and IV2, 23 4.0-IV1,
// 30 4.3-IV0.
bool has_scram(std::int16_t metadata_version) {
  return metadata_version >= 11;
}
bool has_transactions(std::int16_t metadata_version) {
  return metadata_version >= 13;
}
bool has_delegation_tokens(std::int16_t metadata_version) {
  return metadata_version >= 14;
}
bool has_controller_registration(std::int16_t metadata_version) {
  return metadata_version >= 15;
}
bool has_directories(std::int16_t metadata_version) {
  return metadata_version >= 17;
}
bool has_eligible_leader_replicas(std::int16_t metadata_version) {
  return metadata_version >= 23;
}
bool has_cordoned_directories(std::int16_t metadata_version) {
  return metadata_version >= 30;
}

std::int16_t partition_record_version(std::int16_t metadata_version) {
  if (has_eligible_leader_replicas(metadata_version)) return 2;
  return has_directories(metadata_version) ? 1 : 0;
}
std::int16_t partition_change_record_version(std::int16_t metadata_version) {
  return partition_record_version(metadata_version);
}
std::int16_t register_broker_record_version(std::int16_t metadata_version) {
  if (has_cordoned_directories(metadata_version)) return 4;
  if (has_directories(metadata_version)) return 3;
  return metadata_version >= 8 ? 2 : 1;
}

}  // namespace moldau::metadata
