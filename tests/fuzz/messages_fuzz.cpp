// Every message and record at every version: what decodes has an encoding of the size that was computed, which decodes
// to the same. The input's first bytes say which message it is: a kind, a number (an API's key, a record's type, or
// made of its name), and the version.

#include <string>

#include "fuzz.hpp"
#include "wire/metadata/record_types.hpp"
#include "wire/protocol/api_keys.hpp"
#include "wire/storage/record_types.hpp"
#include "wire_roundtrip/roundtrip.hpp"

namespace {

using namespace moldau;        // NOLINT: this is all about it
using namespace moldau::wire;  // NOLINT

enum kind : std::uint8_t { request, response, metadata_record, storage_record, other };

/// "ListOffsets" is our "list_offsets".
std::string our_name(std::string_view kafkas) {
  std::string out;
  for (const char c : kafkas) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty()) out.push_back('_');
    out.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

const roundtrip_entry* find(std::string_view folder, std::string_view name) {
  for (const roundtrip_entry& entry : roundtrip_entries()) {
    if (entry.folder == folder && entry.name == name) return &entry;
  }
  return nullptr;
}

/// For those that have no number of their own: FNV-1a, folded.
std::uint16_t number_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  return static_cast<std::uint16_t>((hash >> 16U) ^ hash);
}

/// Null if there is no such message.
const roundtrip_entry* find(std::uint8_t which, std::uint16_t number) {
  switch (which) {
    case request:
    case response: {
      const auto* api = protocol::find_api(static_cast<std::int16_t>(number));
      if (api == nullptr) return nullptr;
      const auto* found = find("protocol", our_name(api->name) + (which == request ? "_request" : "_response"));
      MOLDAU_ASSERT(found != nullptr);
      return found;
    }
    case metadata_record: {
      const auto* type = metadata::find_record_type(number);
      return type == nullptr ? nullptr : find("metadata", type->name);
    }
    case storage_record: {
      const auto* type = storage::find_record_type(number);
      return type == nullptr ? nullptr : find("storage", type->name);
    }
    case other:
      for (const roundtrip_entry& entry : roundtrip_entries()) {
        if (number_of(entry.name) == number) return &entry;
      }
      return nullptr;
    default:
      return nullptr;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const std::uint8_t which = in.u8();
  const std::uint16_t number = in.u16();
  const auto version = static_cast<std::int16_t>(static_cast<std::int8_t>(in.u8()));
  const roundtrip_entry* message = find(which, number);
  if (message == nullptr) return -1;
  const auto bytes = in.rest();
  const auto first = message->again(bytes, version);
  if (version < message->min_version || version > message->max_version) {
    MOLDAU_ASSERT(!first && first.error().code == errc::unsupported_version);
    return 0;
  }
  if (!first) {
    // Quotas are floating point, and some numbers don't equal themselves.
    MOLDAU_ASSERT(first.error().code == errc::malformed || message->name.contains("quota"));
    return 0;
  }
  // Numbers need not come in their shortest form, but they go out in it.
  MOLDAU_ASSERT(first->size() <= bytes.size());
  const auto second = message->again(*first, version);
  MOLDAU_ASSERT(second && *second == *first);
  return 0;
}
