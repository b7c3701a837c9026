#include "metadata/format.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "metadata/changes.hpp"
#include "metadata/records.hpp"
#include "raft/snapshot.hpp"
#include "wire/metadata/feature_level_record.hpp"

namespace moldau::metadata {

namespace {

constexpr std::array<std::string_view, 24> version_names = {
    "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2",
    "3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0",
    "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0", "4.2-IV1", "4.3-IV0"};

/// What formatting writes, in the order in which Kafka does.
constexpr std::array<std::pair<std::string_view, std::int16_t>, 6> fresh_levels = {{
    {"metadata.version", latest_production_metadata_version},
    {"eligible.leader.replicas.version", 1},
    {"group.version", 1},
    {"share.version", 1},
    {"streams.version", 1},
    {"transaction.version", 2},
}};

}  // namespace

const feature_ranges& supported_features() {
  static const feature_ranges ranges = {
      {"eligible.leader.replicas.version", {.min = 0, .max = 1}},
      {"group.version", {.min = 0, .max = 1}},
      {"kraft.version", {.min = 0, .max = 1}},
      {"metadata.version", {.min = oldest_metadata_version, .max = latest_production_metadata_version}},
      {"share.version", {.min = 0, .max = 1}},
      {"streams.version", {.min = 0, .max = 1}},
      {"transaction.version", {.min = 0, .max = 2}},
  };
  return ranges;
}

std::map<std::string, std::int16_t, std::less<>> default_feature_levels() {
  std::map<std::string, std::int16_t, std::less<>> out;
  for (const auto& [name, level] : fresh_levels) out.emplace(name, level);
  return out;
}

std::vector<shared_bytes> default_bootstrap_records() {
  std::vector<shared_bytes> out;
  for (const auto& [name, level] : fresh_levels) {
    wire::metadata::feature_level_record r;
    r.name = name;
    r.feature_level = level;
    out.push_back(encode_record(r, 0));
  }
  return out;
}

std::string_view metadata_version_name(std::int16_t level) {
  if (level < oldest_metadata_version || level > latest_production_metadata_version) return {};
  return version_names.at(static_cast<std::size_t>(level - oldest_metadata_version));
}

std::vector<formatted_file> format_metadata_directory(const format_options& options) {
  std::vector<formatted_file> out;
  raft::snapshot_writer bootstrap({.id = raft::bootstrap_snapshot_id}, options.now_ms);
  bootstrap.append(default_bootstrap_records());
  out.push_back({.path = std::string(raft::bootstrap_file_name), .contents = bootstrap.finish()});
  if (!options.standalone) return out;

  raft::voter self{.key = {.id = options.node, .directory = options.directory},
                   .endpoints = options.controller_endpoints,
                   .min_kraft_version = 0,
                   .max_kraft_version = 1};
  raft::snapshot_writer voters({.id = raft::bootstrap_snapshot_id,
                                .last_contained_log_timestamp_ms = options.now_ms,
                                .kraft_version = 1,
                                .voters = raft::voter_set({std::move(self)})},
                               options.now_ms);
  out.push_back({.path = "__cluster_metadata-0/" + raft::snapshot_file_name(raft::bootstrap_snapshot_id),
                 .contents = voters.finish()});
  return out;
}

result<std::vector<shared_bytes>> read_bootstrap(bytes_view file) {
  std::vector<shared_bytes> out;
  image scratch;
  MOLDAU_TRY(raft::read_snapshot(raft::bootstrap_snapshot_id, file, [&](bytes_view record) -> result<void> {
    MOLDAU_TRY(apply_record(scratch, record, nullptr));
    out.push_back(shared_bytes::copy_of(record));
    return {};
  }));
  return out;
}

}  // namespace moldau::metadata
