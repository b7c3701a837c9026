#include "offline/describe.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/topic_name.hpp"
#include "metadata/records.hpp"
#include "offline/describe_values.hpp"
#include "wire/record_control.hpp"

namespace moldau::offline {

namespace {

/// How many bytes of a well-formed UTF-8 character begin `text`; 0 if none does.
std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80                   ? 1
                           : lead >= 0xc2 && lead < 0xe0 ? 2
                           : lead >= 0xe0 && lead < 0xf0 ? 3
                           : lead >= 0xf0 && lead < 0xf5 ? 4
                                                         : 0;
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U) return 0;
  }
  const auto second = size > 1 ? static_cast<unsigned char>(text[1]) : 0;
  const bool is_wrong = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return is_wrong ? 0 : size;
}

std::string text_or_null(const std::optional<bytes_view>& bytes) {
  if (!bytes) return "null";
  std::string out;
  put_text(out, as_text(*bytes));
  return out;
}

std::string in_words(const result<described>& what, const std::optional<bytes_view>& bytes) {
  if (what) return what->to_json();
  std::string out;
  object to(out);
  to.put("error", std::string_view(what.error().message));
  to.put("bytes", bytes);
  return out;
}

result<described> metadata_value(bytes_view bytes) {
  MOLDAU_TRY_ASSIGN(const auto head, metadata::take_record_head(bytes));
  wire::reader in(bytes);
  return describe_metadata(head.type, head.version, in);
}

shown_record coordinator_record(coordinator_topic topic, const record_view& record) {
  if (!record.key) return {"null", text_or_null(record.value)};
  wire::reader key(*record.key);
  const std::int16_t type = key.i16();
  if (!key.ok() || type < 0) return {text_or_null(record.key), text_or_null(record.value)};
  const auto number = static_cast<std::uint32_t>(type);
  shown_record out{in_words(describe_coordinator_key(topic, number, 0, key), record.key), "null"};
  if (record.value) {
    wire::reader value(*record.value);
    const std::int16_t version = value.i16();
    out.value = in_words(describe_coordinator_value(topic, number, version, value), record.value);
  }
  return out;
}

std::string_view name_of(wire::control_record_type type) {
  using enum wire::control_record_type;
  switch (type) {
    case abort:
      return "abort";
    case commit:
      return "commit";
    case leader_change:
      return "leader_change";
    case snapshot_header:
      return "snapshot_header";
    case snapshot_footer:
      return "snapshot_footer";
    case kraft_version:
      return "kraft_version";
    case kraft_voters:
      return "kraft_voters";
    case unknown:
      break;
  }
  return "unknown";
}

shown_record control_record(const record_view& record) {
  const auto type = wire::decode_control_key(record.key);
  shown_record out;
  {
    object key(out.key);
    key.put("control", name_of(type.value_or(wire::control_record_type::unknown)));
  }
  describer<std::optional<bytes_view>>::put(out.value, record.value);
  return out;
}

}  // namespace

void put_text(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const char c = text.front();
    if (size == 0) {
      out += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out += '"';
}

void put_base64(std::string& out, bytes_view bytes) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out += '"';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8U | (k < have ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= have ? alphabet[(group >> (18U - 6U * k)) & 63U] : '=';
    }
  }
  out += '"';
}

std::string described::to_json() const {
  std::string out = R"({"type":)";
  put_text(out, type);
  out += fmt::format(R"(,"version":{})", version);
  // The fields are an object: its inside goes on in this one.
  if (fields.size() > 2) out += "," + fields.substr(1, fields.size() - 2);
  return out + "}";
}

record_kind kind_of_topic(std::string_view topic) {
  if (topic == base::metadata_topic) return record_kind::metadata;
  if (topic == "__consumer_offsets") return record_kind::groups;
  if (topic == "__transaction_state") return record_kind::transactions;
  if (topic == "__share_group_state") return record_kind::shares;
  return record_kind::text;
}

shown_record show(record_kind kind, const record_view& record, bool is_control) {
  if (is_control) return control_record(record);
  switch (kind) {
    case record_kind::text:
      break;
    case record_kind::metadata:
      return {text_or_null(record.key), record.value ? in_words(metadata_value(*record.value), record.value) : "null"};
    case record_kind::groups:
      return coordinator_record(coordinator_topic::groups, record);
    case record_kind::transactions:
      return coordinator_record(coordinator_topic::transactions, record);
    case record_kind::shares:
      return coordinator_record(coordinator_topic::shares, record);
  }
  return {text_or_null(record.key), text_or_null(record.value)};
}

}  // namespace moldau::offline
