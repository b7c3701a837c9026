"""The tables over all messages: api keys, metadata record types, and (for tests only) how each message re-encodes."""

from cpp import Emitter

BANNER = "// Generated from schemas/: change those, not this."


def flag(value):
    return "true" if value else "false"


def first_flexible(message):
    return message.flexible.low if message.flexible else 32767


def api_keys(apis):
    e = Emitter()
    e(BANNER)
    e("#pragma once")
    e()
    e("#include <array>")
    e("#include <cstdint>")
    e("#include <string_view>")
    e()
    e("namespace moldau::wire::protocol {")
    e()
    e("/// Every API of Kafka that still exists, by its number on the wire.")
    e("enum class api_key : std::int16_t {")
    for api in apis:
        e(f"{api.request.name.removesuffix('_request')} = {api.key},")
    e("};")
    e()
    e("/// What the definitions say of an API. Versions are those of request and response alike.")
    e("struct api_info {")
    e("api_key key;")
    e("/// As Kafka spells it in logs and metrics.")
    e("std::string_view name;")
    e("std::int16_t min_version;")
    e("std::int16_t max_version;")
    e("/// The last version may still change and is neither announced nor served by default.")
    e("bool latest_unstable;")
    e("/// From here on lengths are compact and fields may be tagged; 32767 for never.")
    e("std::int16_t first_flexible_request;")
    e("std::int16_t first_flexible_response;")
    e("bool broker;")
    e("bool controller;")
    e()
    e("[[nodiscard]] constexpr std::int16_t max_stable_version() const {")
    e("return static_cast<std::int16_t>(max_version - (latest_unstable ? 1 : 0));")
    e("}")
    e("};")
    e()
    e("/// In rising order of key.")
    e(f"inline constexpr std::array<api_info, {len(apis)}> apis{{{{")
    for api in apis:
        request, response = api.request, api.response
        e(f'    {{api_key::{request.name.removesuffix("_request")}, "{api.name}", {request.versions.low}, '
          f"{request.versions.high}, {flag(request.unstable)}, {first_flexible(request)}, {first_flexible(response)}, "
          f'{flag("broker" in api.listeners)}, {flag("controller" in api.listeners)}}},')
    e.depth = 1
    e("}};")
    e()
    e("/// The entry of a key as it came; null for a key that Kafka 4.3 doesn't have.")
    e("[[nodiscard]] constexpr const api_info* find_api(std::int16_t key) {")
    e("for (const api_info& api : apis) {")
    e("if (static_cast<std::int16_t>(api.key) == key) return &api;")
    e("}")
    e("return nullptr;")
    e("}")
    e()
    e("[[nodiscard]] constexpr const api_info& info(api_key key) { return *find_api(static_cast<std::int16_t>(key)); }")
    e()
    e("/// The version of the header before a request of this version.")
    e("[[nodiscard]] constexpr std::int16_t request_header_version(api_key key, std::int16_t version) {")
    e("return version >= info(key).first_flexible_request ? 2 : 1;")
    e("}")
    e()
    e("/// The version of the header before a response of this version. ApiVersions always has 0: its client doesn't")
    e("/// know yet what the broker speaks (KIP-511).")
    e("[[nodiscard]] constexpr std::int16_t response_header_version(api_key key, std::int16_t version) {")
    e("return key != api_key::api_versions && version >= info(key).first_flexible_response ? 1 : 0;")
    e("}")
    e()
    e("}  // namespace moldau::wire::protocol")
    return e.text()


def record_types(folder, messages):
    e = Emitter()
    e(BANNER)
    e("#pragma once")
    e()
    e("#include <array>")
    e("#include <cstdint>")
    e("#include <string_view>")
    e()
    e(f"namespace moldau::wire::{folder} {{")
    e()
    e("/// The types of record, by their number in the record's frame.")
    e("enum class record_type : std::int16_t {")
    for message in messages:
        e(f"{message.name} = {message.id},")
    e("};")
    e()
    e("struct record_info {")
    e("record_type type;")
    e("std::string_view name;")
    e("std::int16_t min_version;")
    e("std::int16_t max_version;")
    e("};")
    e()
    e("/// In rising order of type.")
    e(f"inline constexpr std::array<record_info, {len(messages)}> record_types{{{{")
    for message in messages:
        e(f'    {{record_type::{message.name}, "{message.name}", {message.versions.low}, {message.versions.high}}},')
    e.depth = 1
    e("}};")
    e()
    e("/// The entry of a type as it came; null for one that Kafka 4.3 doesn't have.")
    e("[[nodiscard]] constexpr const record_info* find_record_type(std::uint32_t type) {")
    e("for (const record_info& record : record_types) {")
    e("if (static_cast<std::uint32_t>(record.type) == type) return &record;")
    e("}")
    e("return nullptr;")
    e("}")
    e()
    e(f"}}  // namespace moldau::wire::{folder}")
    return e.text()


ROUNDTRIP = BANNER + """
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"

/// For tests and fuzzers: every message behind one signature.
namespace moldau::wire {

struct roundtrip_entry {
  std::string_view folder;
  std::string_view name;
  std::int16_t min_version;
  std::int16_t max_version;
  /// Decodes all of `bytes` and encodes the message again.
  result<std::vector<std::byte>> (*again)(bytes_view bytes, std::int16_t version);
  /// Encodes a message whose fields are all what they begin with.
  result<std::vector<std::byte>> (*defaults)(std::int16_t version);
};

/// In a fixed order.
[[nodiscard]] std::span<const roundtrip_entry> roundtrip_entries();

}  // namespace moldau::wire
"""

ROUNDTRIP_IMPL = BANNER + """
#pragma once

#include "wire/reader.hpp"
#include "wire/writer.hpp"
#include "wire_roundtrip/roundtrip.hpp"

namespace moldau::wire::roundtrip {

template <typename Message>
result<std::vector<std::byte>> encoded(const Message& message, std::int16_t version) {
  std::vector<std::byte> out(message.encoded_size(version));
  writer to(out);
  message.encode(to, version);
  MOLDAU_TRY(to.status());
  if (to.position() != out.size()) return fail(errc::unknown_server_error, "encoded_size and encode disagree");
  return out;
}

template <typename Message>
result<std::vector<std::byte>> again(bytes_view bytes, std::int16_t version) {
  reader from(bytes);
  MOLDAU_TRY_ASSIGN(const Message message, Message::decode(from, version));
  if (from.remaining() != 0) return fail(errc::malformed, "bytes are left over");
  MOLDAU_TRY_ASSIGN(std::vector<std::byte> out, encoded(message, version));
  reader second(out);
  MOLDAU_TRY_ASSIGN(const Message copy, Message::decode(second, version));
  if (!(copy == message)) return fail(errc::unknown_server_error, "a second decode gives another message");
  return out;
}

template <typename Message>
result<std::vector<std::byte>> defaults(std::int16_t version) {
  return encoded(Message{}, version);
}

}  // namespace moldau::wire::roundtrip
"""


def roundtrip_part(number, messages):
    """One source of the table; several of them compile side by side."""
    lines = [BANNER]
    lines += [f'#include "wire/{m.folder}/{m.name}.hpp"' for m in messages]
    lines += ['#include "wire_roundtrip/impl.hpp"', "", "namespace moldau::wire::roundtrip {", ""]
    lines += [f"extern const roundtrip_entry part_{number}[];",
              f"const roundtrip_entry part_{number}[{len(messages)}] = {{"]
    for m in messages:
        full = f"{m.folder}::{m.name}"
        lines.append(f'    {{"{m.folder}", "{m.name}", {m.versions.low}, {m.versions.high}, &again<{full}>, '
                     f"&defaults<{full}>}},")
    lines += ["};", "", "}  // namespace moldau::wire::roundtrip"]
    return "\n".join(lines) + "\n"


def roundtrip_table(parts):
    lines = [BANNER, "#include <vector>", "", '#include "wire_roundtrip/roundtrip.hpp"', "",
             "namespace moldau::wire {", "", "namespace roundtrip {"]
    lines += [f"extern const roundtrip_entry part_{i}[];" for i in range(len(parts))]
    lines += ["}  // namespace roundtrip", "", "std::span<const roundtrip_entry> roundtrip_entries() {",
              "  static const std::vector<roundtrip_entry> all = [] {", "    std::vector<roundtrip_entry> out;"]
    for i, part in enumerate(parts):
        name = f"roundtrip::part_{i}"
        lines.append(f"    out.insert(out.end(), {name}, {name} + {len(part)});")
    lines += ["    return out;", "  }();", "  return all;", "}", "", "}  // namespace moldau::wire"]
    return "\n".join(lines) + "\n"
