#include "config/definition.hpp"

#include <algorithm>
#include <vector>

#include "base/nearest.hpp"
#include "config/tables/tables.hpp"

namespace moldau::config {
namespace {

std::vector<const definition*> sorted(std::initializer_list<std::span<const definition>> tables) {
  std::vector<const definition*> out;
  for (const auto& table : tables) {
    for (const definition& def : table) out.push_back(&def);
  }
  std::ranges::sort(out, {}, &definition::name);
  return out;
}

const definition* find(std::span<const definition* const> definitions, std::string_view name) {
  const auto at = std::ranges::lower_bound(definitions, name, {}, &definition::name);
  return at != definitions.end() && (*at)->name == name ? *at : nullptr;
}

std::string_view nearest(std::span<const definition* const> definitions, std::string_view name) {
  std::vector<std::string_view> names;
  names.reserve(definitions.size());
  for (const definition* def : definitions) names.push_back(def->name);
  return base::nearest(name, names);
}

struct synonym_row {
  std::string_view name;
  std::array<std::string_view, 3> others;
};

constexpr synonym_row topic_rows_to_broker[] = {
    {"cleanup.policy", {"log.cleanup.policy"}},
    {"compression.gzip.level", {"compression.gzip.level"}},
    {"compression.lz4.level", {"compression.lz4.level"}},
    {"compression.type", {"compression.type"}},
    {"compression.zstd.level", {"compression.zstd.level"}},
    {"delete.retention.ms", {"log.cleaner.delete.retention.ms"}},
    {"file.delete.delay.ms", {"log.segment.delete.delay.ms"}},
    {"flush.messages", {"log.flush.interval.messages"}},
    {"flush.ms", {"log.flush.interval.ms", "log.flush.scheduler.interval.ms"}},
    {"index.interval.bytes", {"log.index.interval.bytes"}},
    {"local.retention.bytes", {"log.local.retention.bytes"}},
    {"local.retention.ms", {"log.local.retention.ms"}},
    {"max.compaction.lag.ms", {"log.cleaner.max.compaction.lag.ms"}},
    {"max.message.bytes", {"message.max.bytes"}},
    {"message.timestamp.after.max.ms", {"log.message.timestamp.after.max.ms"}},
    {"message.timestamp.before.max.ms", {"log.message.timestamp.before.max.ms"}},
    {"message.timestamp.type", {"log.message.timestamp.type"}},
    {"min.cleanable.dirty.ratio", {"log.cleaner.min.cleanable.ratio"}},
    {"min.compaction.lag.ms", {"log.cleaner.min.compaction.lag.ms"}},
    {"min.insync.replicas", {"min.insync.replicas"}},
    {"preallocate", {"log.preallocate"}},
    {"retention.bytes", {"log.retention.bytes"}},
    {"retention.ms", {"log.retention.ms", "log.retention.minutes", "log.retention.hours"}},
    {"segment.bytes", {"log.segment.bytes"}},
    {"segment.index.bytes", {"log.index.size.max.bytes"}},
    {"segment.jitter.ms", {"log.roll.jitter.ms", "log.roll.jitter.hours"}},
    {"segment.ms", {"log.roll.ms", "log.roll.hours"}},
    {"unclean.leader.election.enable", {"unclean.leader.election.enable"}},
};

constexpr synonym_row broker_rows[] = {
    {"log.flush.interval.ms", {"log.flush.interval.ms", "log.flush.scheduler.interval.ms"}},
    {"log.retention.hours", {"log.retention.ms", "log.retention.minutes", "log.retention.hours"}},
    {"log.retention.minutes", {"log.retention.ms", "log.retention.minutes", "log.retention.hours"}},
    {"log.retention.ms", {"log.retention.ms", "log.retention.minutes", "log.retention.hours"}},
    {"log.roll.hours", {"log.roll.ms", "log.roll.hours"}},
    {"log.roll.jitter.hours", {"log.roll.jitter.ms", "log.roll.jitter.hours"}},
    {"log.roll.jitter.ms", {"log.roll.jitter.ms", "log.roll.jitter.hours"}},
    {"log.roll.ms", {"log.roll.ms", "log.roll.hours"}},
};

std::span<const std::string_view> others(const synonym_row& row) {
  const auto end = std::ranges::find(row.others, std::string_view{});
  return {row.others.data(), static_cast<std::size_t>(end - row.others.begin())};
}

}  // namespace

std::string_view name(value_type type) {
  switch (type) {
    case value_type::boolean:
      return "BOOLEAN";
    case value_type::string:
      return "STRING";
    case value_type::int32:
      return "INT";
    case value_type::int16:
      return "SHORT";
    case value_type::int64:
      return "LONG";
    case value_type::float64:
      return "DOUBLE";
    case value_type::list:
      return "LIST";
    case value_type::class_name:
      return "CLASS";
    case value_type::password:
      return "PASSWORD";
  }
  return "UNKNOWN";
}

std::span<const definition* const> broker_definitions() {
  static const std::vector<const definition*> all =
      sorted({network_rows(), node_rows(), log_rows(), retention_rows(), replication_rows(), quorum_rows(),
              offsets_rows(), group_rows(), share_rows(), transactions_rows(), quota_rows(), remote_rows(),
              security_rows(), sasl_rows(), oauth_rows(), ssl_rows(), moldau_rows()});
  return all;
}

std::span<const definition* const> topic_definitions() {
  static const std::vector<const definition*> all = sorted({topic_rows()});
  return all;
}

std::span<const definition> dynamic_only_definitions() {
  return dynamic_rows();
}

const definition* find_broker_definition(std::string_view name) {
  return find(broker_definitions(), name);
}
const definition* find_topic_definition(std::string_view name) {
  return find(topic_definitions(), name);
}

std::span<const std::string_view> topic_synonyms(std::string_view topic_property) {
  const auto* row = std::ranges::find(topic_rows_to_broker, topic_property, &synonym_row::name);
  if (row == std::end(topic_rows_to_broker)) return {};
  return others(*row);
}

std::span<const std::string_view> broker_synonyms(std::string_view name) {
  const auto* row = std::ranges::find(broker_rows, name, &synonym_row::name);
  if (row != std::end(broker_rows)) return others(*row);
  // Its own name alone, from the definition, so that the view outlives the call.
  const definition* def = find_broker_definition(name);
  if (def == nullptr) return {};
  return {&def->name, 1};
}

std::string_view nearest_broker_name(std::string_view name) {
  return nearest(broker_definitions(), name);
}
std::string_view nearest_topic_name(std::string_view name) {
  return nearest(topic_definitions(), name);
}

}  // namespace moldau::config
