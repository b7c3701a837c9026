#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace moldau::config {

/// A property's type, numbered as DescribeConfigs numbers it.
enum class value_type : std::int8_t {
  boolean = 1,
  string = 2,
  int32 = 3,
  int16 = 4,
  int64 = 5,
  float64 = 6,
  list = 7,
  class_name = 8,
  password = 9,
};

/// The type's name as Kafka writes it in messages ("LONG").
[[nodiscard]] std::string_view name(value_type type);

/// How much a property matters to somebody who reads the reference for the first time.
enum class importance : std::uint8_t { high, medium, low };

/// When a change takes effect: at the next start, or at once for one broker or for all of them (KIP-226).
enum class update_mode : std::uint8_t { read_only, per_broker, cluster_wide };

/// Whether moldau acts on a property.
enum class support : std::uint8_t {
  built,
  /// Tunes something that moldau's design has no counterpart for (thread pools): accepted, nothing to say.
  unneeded,
  /// Accepted with a warning if it is set to something else than its default.
  not_built,
  /// Says who may do what: a start with another value than the default is refused, never less safe than asked.
  refused,
};

/// What values a property takes beyond its type; its text form is in `describe`.
struct rule {
  enum class kind : std::uint8_t {
    any,
    range,       ///< `least` to `most`, both inclusive.
    gzip_level,  ///< 1 to 9, or -1.
    one_of,      ///< One of `options`.
    one_of_ignoring_case,
    list_of,  ///< Every element one of `options`.
    not_null,
    not_empty,
    throttled_replicas,  ///< `*`, or partition:broker pairs.
    voters,              ///< id@host:port each.
    servers,             ///< host:port each.
  };
  kind what = kind::any;
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  /// Separated by commas, in the order in which messages list them.
  std::string_view options{};
};

/// Everything that is known about one property; the tables in `tables/` are made of these.
struct definition {
  std::string_view name;
  value_type type;
  /// As text; nothing stands for null.
  std::optional<std::string_view> default_value;
  rule valid;
  importance weight;
  update_mode update;
  support state;
  /// One sentence for the reference and for DescribeConfigs.
  std::string_view doc;
  /// No default: a file has to set it.
  bool required = false;

  /// Never shown: DescribeConfigs answers null.
  [[nodiscard]] constexpr bool sensitive() const { return type == value_type::password; }
};

/// Every broker property, sorted by name: Kafka's and moldau's own.
[[nodiscard]] std::span<const definition* const> broker_definitions();
/// Every topic property, sorted by name.
[[nodiscard]] std::span<const definition* const> topic_definitions();
/// Properties that exist only dynamically, on brokers (replication throttles).
[[nodiscard]] std::span<const definition> dynamic_only_definitions();

/// Null if there is none of that name.
[[nodiscard]] const definition* find_broker_definition(std::string_view name);
[[nodiscard]] const definition* find_topic_definition(std::string_view name);

/// The broker properties that give a topic property its value when the topic doesn't, the most specific first
/// (`retention.ms`: log.retention.ms, log.retention.minutes, log.retention.hours). Empty if there are none.
[[nodiscard]] std::span<const std::string_view> topic_synonyms(std::string_view topic_property);
/// The broker properties that say the same thing in another unit, `name` among them, in order of precedence.
[[nodiscard]] std::span<const std::string_view> broker_synonyms(std::string_view name);

/// The known name nearest to a mistyped one, among broker properties; empty if none is near.
[[nodiscard]] std::string_view nearest_broker_name(std::string_view name);
[[nodiscard]] std::string_view nearest_topic_name(std::string_view name);

}  // namespace moldau::config
