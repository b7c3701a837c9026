#include "config/topic_config.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::config {
namespace {

// What the broker gives a topic that doesn't say otherwise.
value inherited(const broker_config& broker, const definition& def) {
  if (def.name == "retention.ms") return broker.log_retention_ms();
  if (def.name == "segment.ms") return broker.log_roll_ms();
  if (def.name == "segment.jitter.ms") return broker.log_roll_jitter_ms();
  if (def.name == "flush.ms") return broker.log_flush_interval_ms();
  const auto synonyms = topic_synonyms(def.name);
  return synonyms.empty() ? default_of(def) : broker.effective(synonyms.front());
}

value effective(const broker_config& broker, const settings& overrides, const definition& def) {
  if (const auto at = overrides.find(def.name); at != overrides.end()) {
    if (auto parsed = parse_value(def, at->second)) return *std::move(parsed);
  }
  return inherited(broker, def);
}

topic_compression compression_of(std::string_view text) {
  if (text == "uncompressed") return topic_compression::uncompressed;
  if (text == "gzip") return topic_compression::gzip;
  if (text == "snappy") return topic_compression::snappy;
  if (text == "lz4") return topic_compression::lz4;
  if (text == "zstd") return topic_compression::zstd;
  return topic_compression::producer;
}

// Reads a topic's effective values by name; the types are those of the table.
struct reader {
  const broker_config& broker;
  const settings& overrides;

  [[nodiscard]] value get(std::string_view name) const {
    return effective(broker, overrides, *find_topic_definition(name));
  }
  [[nodiscard]] std::int64_t int64(std::string_view name) const { return std::get<std::int64_t>(get(name)); }
  [[nodiscard]] std::int32_t int32(std::string_view name) const { return static_cast<std::int32_t>(int64(name)); }
  [[nodiscard]] bool boolean(std::string_view name) const { return std::get<bool>(get(name)); }
  [[nodiscard]] std::string string(std::string_view name) const { return std::get<std::string>(get(name)); }
};

}  // namespace

topic_config effective_topic_config(const broker_config& broker, const settings& overrides) {
  const reader in{broker, overrides};
  const auto policies = std::get<std::vector<std::string>>(in.get("cleanup.policy"));
  topic_config out;
  out.cleanup_compact = std::ranges::find(policies, "compact") != policies.end();
  out.cleanup_delete = std::ranges::find(policies, "delete") != policies.end();
  out.compression = compression_of(in.string("compression.type"));
  out.compression_gzip_level = in.int32("compression.gzip.level");
  out.compression_lz4_level = in.int32("compression.lz4.level");
  out.compression_zstd_level = in.int32("compression.zstd.level");
  out.delete_retention_ms = in.int64("delete.retention.ms");
  out.file_delete_delay_ms = in.int64("file.delete.delay.ms");
  out.flush_messages = in.int64("flush.messages");
  out.flush_ms = in.int64("flush.ms");
  out.index_interval_bytes = in.int32("index.interval.bytes");
  out.max_compaction_lag_ms = in.int64("max.compaction.lag.ms");
  out.max_message_bytes = in.int32("max.message.bytes");
  out.message_timestamp_after_max_ms = in.int64("message.timestamp.after.max.ms");
  out.message_timestamp_before_max_ms = in.int64("message.timestamp.before.max.ms");
  out.message_timestamp_type = in.string("message.timestamp.type") == "LogAppendTime"
                                   ? moldau::timestamp_type::log_append_time
                                   : moldau::timestamp_type::create_time;
  out.min_cleanable_dirty_ratio = std::get<double>(in.get("min.cleanable.dirty.ratio"));
  out.min_compaction_lag_ms = in.int64("min.compaction.lag.ms");
  out.min_insync_replicas = in.int32("min.insync.replicas");
  out.preallocate = in.boolean("preallocate");
  out.retention_bytes = in.int64("retention.bytes");
  out.retention_ms = in.int64("retention.ms");
  out.segment_bytes = in.int32("segment.bytes");
  out.segment_index_bytes = in.int32("segment.index.bytes");
  out.segment_jitter_ms = in.int64("segment.jitter.ms");
  out.segment_ms = in.int64("segment.ms");
  out.unclean_leader_election_enable = in.boolean("unclean.leader.election.enable");
  return out;
}

result<void> validate_topic_config(const broker_config& broker, const settings& overrides) {
  for (const auto& [name, text] : overrides) {
    if (find_topic_definition(name) == nullptr) {
      return fail(errc::invalid_config, fmt::format("Unknown topic config name: {}", name));
    }
  }
  for (const auto& [name, text] : overrides) MOLDAU_TRY(parse_value(*find_topic_definition(name), text));
  const reader in{broker, overrides};
  const std::int64_t least = in.int64("min.compaction.lag.ms");
  const std::int64_t most = in.int64("max.compaction.lag.ms");
  if (least > most) {
    return fail(errc::invalid_config,
                fmt::format("conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})",
                            least, most));
  }
  if (in.boolean("remote.storage.enable")) {
    // Tiering isn't built, so this is Kafka's answer where it is turned off.
    return fail(errc::invalid_config,
                "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log "
                "storage.");
  }
  return {};
}

namespace {

/// Kafka lists no default for a topic property whose first broker property has none, but for the retention.
bool lists_no_default(std::string_view name) {
  return name == "flush.ms" || name == "segment.ms" || name == "segment.jitter.ms";
}

}  // namespace

std::vector<described_config> describe_topic(const broker_config& broker, const settings& overrides) {
  std::vector<described_config> out;
  for (const definition* def : topic_definitions()) {
    described_config entry;
    entry.name = def->name;
    entry.value = to_text(effective(broker, overrides, *def));
    entry.type = static_cast<std::int8_t>(def->type);
    entry.doc = def->doc;
    if (overrides.contains(def->name)) {
      entry.synonyms.push_back({entry.name, entry.value, config_source::dynamic_topic});
    }
    if (const auto synonyms = topic_synonyms(def->name); !synonyms.empty()) {
      for (synonym& s : broker.synonyms_of(synonyms.front())) {
        if (s.source == config_source::default_value && lists_no_default(def->name)) continue;
        entry.synonyms.push_back(std::move(s));
      }
    }
    if (!entry.synonyms.empty()) entry.source = entry.synonyms.front().source;
    out.push_back(std::move(entry));
  }
  for (const auto& [name, text] : overrides) {
    if (find_topic_definition(name) != nullptr) continue;
    // Kept from a newer Kafka: its type isn't known, so its value might be a secret.
    described_config entry;
    entry.name = name;
    entry.sensitive = true;
    entry.source = config_source::dynamic_topic;
    entry.synonyms.push_back({name, std::nullopt, config_source::dynamic_topic});
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace moldau::config
