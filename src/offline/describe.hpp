#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "moldau/core/record.hpp"
#include "moldau/core/result.hpp"
#include "wire/reader.hpp"

namespace moldau::offline {

/// A record's key or value in words: what it is, and its fields as a JSON object.
struct described {
  std::string type;
  std::int16_t version = 0;
  std::string fields;

  /// {"type": …, "version": …, fields…} as JSON.
  [[nodiscard]] std::string to_json() const;
};

/// Which topic a coordinator's record is of: their types are numbered apart.
enum class coordinator_topic : std::uint8_t { groups, transactions, shares };

// Generated: the body of one record. Errors: `errc::malformed`, `unsupported_version`.
[[nodiscard]] result<described> describe_metadata(std::uint32_t type, std::int16_t version, wire::reader& in);
[[nodiscard]] result<described> describe_coordinator_key(coordinator_topic topic, std::uint32_t type,
                                                         std::int16_t version, wire::reader& in);
[[nodiscard]] result<described> describe_coordinator_value(coordinator_topic topic, std::uint32_t type,
                                                           std::int16_t version, wire::reader& in);

/// How keys and values are to be read.
enum class record_kind : std::uint8_t { text, metadata, groups, transactions, shares };
/// By the topic's name: Kafka's internal ones have their own kinds.
[[nodiscard]] record_kind kind_of_topic(std::string_view topic);

/// A record in words, as JSON values; what doesn't parse says so and is shown as text.
struct shown_record {
  std::string key;
  std::string value;
};
[[nodiscard]] shown_record show(record_kind kind, const record_view& record, bool is_control);

}  // namespace moldau::offline
