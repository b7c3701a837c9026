#include "broker/wiring/directories.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/topic_name.hpp"
#include "broker/wiring/random_uuid.hpp"
#include "metadata/format.hpp"
#include "storage/file_names.hpp"
#include "storage/meta_properties.hpp"

namespace moldau::broker {
namespace {

using storage::meta_properties;

/// The log directories with what their meta.properties says; nothing for a fresh one.
using directory_map = std::map<std::string, std::optional<meta_properties>>;

result<directory_map> read_all(rt::file_system& files, const config::broker_config& config) {
  directory_map out;
  std::vector<std::string> paths = config.log_dirs();
  paths.push_back(config.metadata_log_dir());
  for (const std::string& path : paths) {
    MOLDAU_TRY(files.make_directories(path));
    const std::string file = rt::join_path(path, storage::names::meta_properties);
    auto content = files.read_file(file);
    if (content) {
      auto parsed = meta_properties::parse(as_text(content->view()));
      if (!parsed) return fail(parsed.error().code, fmt::format("{}: {}", file, parsed.error().message));
      out[path] = *std::move(parsed);
    } else if (content.error().code == errc::not_found) {
      out[path] = std::nullopt;
    } else {
      return std::unexpected<error>(std::move(content).error());
    }
  }
  return out;
}

result<void> check(const directory_map& all, const config::broker_config& config, std::string& cluster_id) {
  std::string first_path;
  for (const auto& [path, properties] : all) {
    if (!properties) continue;
    if (properties->node_id && *properties->node_id != config.node_id()) {
      return fail(
          errc::invalid_config,
          fmt::format("{} belongs to node {}, but node.id is {}. Give this node a directory of its own, or set "
                      "node.id to {}.",
                      path, properties->node_id->value(), config.node_id().value(), properties->node_id->value()));
    }
    if (cluster_id.empty()) {
      cluster_id = properties->cluster_id;
      first_path = path;
    } else if (cluster_id != properties->cluster_id) {
      return fail(errc::invalid_config,
                  fmt::format("{} belongs to cluster {}, but {} belongs to cluster {}. A node's log directories must "
                              "all be of one cluster.",
                              first_path, cluster_id, path, properties->cluster_id));
    }
  }
  const auto& metadata_directory = all.at(config.metadata_log_dir());
  if (!cluster_id.empty() && !metadata_directory) {
    return fail(errc::invalid_config,
                fmt::format("{} holds no metadata, though other log directories of this node are formatted. Set "
                            "metadata.log.dir to the directory with __cluster_metadata-0.",
                            config.metadata_log_dir()));
  }
  return {};
}

/// The first folder of a partition with anything in its log, empty if there is none.
result<std::string> find_log(rt::file_system& files, const std::string& directory) {
  MOLDAU_TRY_ASSIGN(const auto entries, files.list(directory));
  for (const auto& entry : entries) {
    if (!entry.is_directory || !storage::parse_partition_directory_name(entry.name)) continue;
    const std::string path = rt::join_path(directory, entry.name);
    MOLDAU_TRY_ASSIGN(const auto inside, files.list(path));
    if (std::ranges::any_of(
            inside, [](const auto& file) { return file.name.ends_with(storage::names::log) && file.size_bytes > 0; })) {
      return path;
    }
  }
  return std::string();
}

/// What looks fresh only because its meta.properties are gone must not be formatted: its logs would belong to nobody.
result<void> check_fresh(rt::file_system& files, const directory_map& all) {
  for (const auto& [path, properties] : all) {
    MOLDAU_TRY_ASSIGN(const std::string log, find_log(files, path));
    if (log.empty()) continue;
    return fail(errc::invalid_config,
                fmt::format("{} holds logs ({}), but no {} says whose they are. Put a copy of that file there, or give "
                            "this node an empty directory.",
                            path, log, storage::names::meta_properties));
  }
  return {};
}

/// The metadata's log is made before any other, so other logs without it mean that it was lost: to begin a new one
/// would be to forget every topic.
result<void> check_metadata_log(rt::file_system& files, const directory_map& all, const std::string& metadata_path) {
  const std::string expected = storage::partition_directory_name(base::metadata_topic, partition_id(0));
  if (files.exists(rt::join_path(metadata_path, expected))) return {};
  for (const auto& [path, properties] : all) {
    MOLDAU_TRY_ASSIGN(const auto entries, files.list(path));
    for (const auto& entry : entries) {
      if (!entry.is_directory || !storage::parse_partition_directory_name(entry.name)) continue;
      return fail(errc::invalid_config,
                  fmt::format("{} is missing, though there are logs of partitions ({}). Without it nobody knows whose "
                              "they are: put a copy of it in its place, set metadata.log.dir to where it is, or give "
                              "this node empty directories.",
                              rt::join_path(metadata_path, expected), rt::join_path(path, entry.name)));
    }
  }
  return {};
}

result<void> write_new_file(rt::file_system& files, const std::string& path,
                            const std::vector<shared_bytes>& contents) {
  MOLDAU_TRY(files.make_directories(rt::parent_path(path)));
  {
    MOLDAU_TRY_ASSIGN(auto file, files.open(path, rt::open_mode::create_empty));
    const std::vector<bytes_view> pieces(contents.begin(), contents.end());
    MOLDAU_TRY(file->write_at(0, pieces));
    MOLDAU_TRY(file->sync());
  }
  MOLDAU_TRY(files.sync_directory(rt::parent_path(path)));
  return files.sync_directory(rt::parent_path(rt::parent_path(path)));
}

}  // namespace

rt::task<result<prepared_directories>> prepare_log_directories(rt::world& world, const config::broker_config& config,
                                                               std::vector<raft::endpoint> controllers) {
  rt::file_system& files = world.files();
  auto read = co_await world.offload([&] { return read_all(files, config); });
  if (!read) co_return std::unexpected<error>(std::move(read).error());
  directory_map all = *std::move(read);
  prepared_directories out;
  MOLDAU_CO_TRY(check(all, config, out.cluster_id));
  const bool fresh = out.cluster_id.empty();
  if (fresh) {
    MOLDAU_CO_TRY(co_await world.offload([&] { return check_fresh(files, all); }));
    out.cluster_id = random_uuid(world).to_string();
  } else {
    MOLDAU_CO_TRY(co_await world.offload([&] { return check_metadata_log(files, all, config.metadata_log_dir()); }));
  }

  std::vector<std::string> to_write;
  for (auto& [path, properties] : all) {
    if (properties && properties->directory_id && properties->node_id) continue;
    if (!properties) properties.emplace();
    properties->cluster_id = out.cluster_id;
    properties->node_id = config.node_id();
    if (!properties->directory_id) properties->directory_id = random_uuid(world);
    to_write.push_back(path);
  }
  const std::string& metadata_path = config.metadata_log_dir();
  out.metadata_directory = *all.at(metadata_path)->directory_id;
  std::vector<metadata::formatted_file> formatted;
  if (fresh) {
    formatted = metadata::format_metadata_directory({.node = config.node_id(),
                                                     .directory = out.metadata_directory,
                                                     .controller_endpoints = std::move(controllers),
                                                     .standalone = config.quorum_voters().empty(),
                                                     .now_ms = world.wall_ms()});
  }
  // meta.properties comes last, the metadata directory's after all others: until it is there, the next start formats
  // anew.
  std::ranges::stable_partition(to_write, [&](const std::string& path) { return path != metadata_path; });
  auto written = co_await world.offload([&]() -> result<void> {
    for (const auto& file : formatted) {
      MOLDAU_TRY(write_new_file(files, rt::join_path(metadata_path, file.path), file.contents));
    }
    for (const std::string& path : to_write) {
      MOLDAU_TRY(files.write_file_atomically(rt::join_path(path, storage::names::meta_properties),
                                             as_bytes(all.at(path)->encode())));
    }
    return {};
  });
  if (!written) co_return std::unexpected<error>(std::move(written).error());
  if (fresh) world.log().info("formatted {} for cluster {}", metadata_path, out.cluster_id);
  co_return out;
}

storage::log_options to_log_options(const config::topic_config& from) {
  return {.segment_bytes = static_cast<std::uint32_t>(from.segment_bytes),
          .segment_ms = from.segment_ms,
          .segment_jitter_ms = from.segment_jitter_ms,
          .segment_index_bytes = static_cast<std::uint32_t>(from.segment_index_bytes),
          .index_interval_bytes = static_cast<std::uint32_t>(from.index_interval_bytes),
          .cleanup_delete = from.cleanup_delete,
          .cleanup_compact = from.cleanup_compact,
          .retention_bytes = from.retention_bytes,
          .retention_ms = from.retention_ms,
          .file_delete_delay_ms = from.file_delete_delay_ms,
          .delete_retention_ms = from.delete_retention_ms,
          .min_compaction_lag_ms = from.min_compaction_lag_ms,
          .max_compaction_lag_ms = from.max_compaction_lag_ms,
          .min_cleanable_dirty_ratio = from.min_cleanable_dirty_ratio,
          .max_message_bytes = static_cast<std::uint32_t>(from.max_message_bytes),
          .log_append_time = from.message_timestamp_type == timestamp_type::log_append_time,
          .preallocate = from.preallocate};
}

storage::storage_options to_storage_options(const config::broker_config& from) {
  storage::storage_options out;
  out.producer_id_expiration_ms = from.int32("producer.id.expiration.ms");
  out.checkpoint_interval_ms = from.int32("log.flush.offset.checkpoint.interval.ms");
  out.retention_check_interval_ms = from.int64("log.retention.check.interval.ms");
  out.reserve_step_bytes = static_cast<std::uint64_t>(from.int64("moldau.log.preallocate.step.bytes"));
  out.write_while_syncing = !from.boolean("log.flush.ack");
  out.cleaner_enable = from.boolean("log.cleaner.enable");
  out.cleaner_dedupe_buffer_bytes = static_cast<std::uint64_t>(from.int64("log.cleaner.dedupe.buffer.size"));
  out.cleaner_load_factor = from.float64("log.cleaner.io.buffer.load.factor");
  out.cleaner_backoff_ms = from.int64("log.cleaner.backoff.ms");
  return out;
}

}  // namespace moldau::broker
