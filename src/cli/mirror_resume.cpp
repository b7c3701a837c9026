#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/mirror.hpp"

namespace moldau::cli::mirroring {

namespace {

constexpr std::string_view format_name = "moldau-mirror-1";

/// The word that begins with `name=`; empty without one.
std::string_view field(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (word.starts_with(name) && word.size() > name.size() && word[name.size()] == '=') {
      return word.substr(name.size() + 1);
    }
    at = end + 1;
  }
  return {};
}

}  // namespace

resume_store::resume_store(client::admin& destination, std::string group, std::string source_cluster)
    : destination_(destination), group_(std::move(group)), source_cluster_(std::move(source_cluster)) {}

std::string resume_store::metadata_of(const resume_point& point) const {
  return fmt::format("{} cluster={} topic={} end={}", format_name, source_cluster_, point.source_id.to_string(),
                     point.target_end.value());
}

result<std::map<topic_partition, resume_point>> resume_store::read(const std::vector<copied_topic>& of) {
  MOLDAU_TRY_ASSIGN(const auto committed, destination_.group_offsets(group_).get());
  std::map<std::string, const copied_topic*> topics;
  for (const copied_topic& topic : of) topics[topic.target] = &topic;
  std::map<topic_partition, resume_point> out;
  for (const auto& [partition, kept] : committed) {
    const auto topic = topics.find(partition.topic);
    if (topic == topics.end()) continue;
    const auto wrong = [&](std::string_view why) {
      return fail(errc::invalid_argument,
                  fmt::format("group '{}' at the destination keeps for partition {} of '{}' {}; --group takes another "
                              "group, --restart begins anew",
                              group_, partition.partition.value(), partition.topic, why));
    };
    const std::string_view text = kept.metadata;
    const std::string_view end = field(text, "end");
    std::int64_t target_end = 0;
    const auto [last, code] = std::from_chars(end.data(), end.data() + end.size(), target_end);
    if (!text.starts_with(format_name) || code != std::errc() || last != end.data() + end.size()) {
      return wrong("an offset that no mirror has written");
    }
    if (field(text, "cluster") != source_cluster_) {
      return wrong(fmt::format("how far a copy from another cluster has come ({})", field(text, "cluster")));
    }
    if (field(text, "topic") != topic->second->source_id.to_string()) {
      return wrong(fmt::format("how far a copy of another topic has come: '{}' was deleted and made again since",
                               topic->second->source));
    }
    out[partition] = {
        .source_next = kept.offset, .target_end = offset(target_end), .source_id = topic->second->source_id};
    written_[partition] = kept;
  }
  return out;
}

result<void> resume_store::write(const std::map<topic_partition, resume_point>& points) {
  if (points.empty()) return {};
  // Two mirrors on one group would copy everything twice: the second to come finds that its points aren't its own.
  MOLDAU_TRY_ASSIGN(const auto now, destination_.group_offsets(group_).get());
  for (const auto& [partition, mine] : written_) {
    const auto found = now.find(partition);
    if (found == now.end() || (found->second.offset == mine.offset && found->second.metadata == mine.metadata)) {
      continue;
    }
    return fail(errc::fenced_instance_id,
                fmt::format("another mirror writes to group '{}' of the destination (partition {} of '{}'): only one "
                            "may use a group",
                            group_, partition.partition.value(), partition.topic));
  }
  std::map<topic_partition, client::committed_offset> offsets;
  for (const auto& [partition, point] : points) {
    offsets[partition] = {.offset = point.source_next, .metadata = metadata_of(point)};
  }
  MOLDAU_TRY_ASSIGN(const auto done, destination_.alter_group_offsets(group_, offsets).get());
  for (const auto& [partition, outcome] : done) {
    if (outcome) {
      written_[partition] = offsets.at(partition);
    } else if (outcome.error().code != errc::unknown_topic_or_partition) {
      return outcome;
    }
  }
  return {};
}

result<std::map<topic_partition, copied_tail>> read_tails(const side& destination,
                                                          std::map<topic_partition, offset> from,
                                                          const std::map<topic_partition, offset>& ends) {
  std::map<topic_partition, copied_tail> out;
  std::erase_if(from, [&](const auto& entry) { return entry.second >= ends.at(entry.first); });
  if (from.empty()) return out;
  client::properties properties = destination.properties;
  properties["enable.auto.commit"] = "false";
  properties["isolation.level"] = "read_uncommitted";
  MOLDAU_TRY_ASSIGN(auto options, client::consumer_options::from_properties(properties));
  MOLDAU_TRY_ASSIGN(auto consumer, client::consumer::make(std::move(options)));
  MOLDAU_TRY(consumer.assign(from).get());
  auto left = from;
  while (!left.empty()) {
    MOLDAU_TRY_ASSIGN(const auto got, consumer.poll(std::chrono::milliseconds(1000)).get());
    for (const client::record_batch& batch : got.batches) {
      const topic_partition partition{batch.topic(), batch.partition()};
      const offset end = ends.at(partition);
      for (const record_view& record : batch) {
        if (record.offset < end) out[partition].add(record);
      }
      if (batch.next_offset() >= end) left.erase(partition);
    }
    for (const topic_partition& partition : got.ends) left.erase(partition);
  }
  MOLDAU_TRY(consumer.close().get());
  return out;
}

}  // namespace moldau::cli::mirroring
