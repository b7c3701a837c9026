#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/admin_port.hpp"
#include "config/broker_config.hpp"
#include "metadata/image.hpp"
#include "moldau/core/ids.hpp"
#include "rt/file.hpp"
#include "rt/task.hpp"

namespace moldau::broker {

/// What one core is seen to hold at one moment.
struct core_sample {
  struct partition {
    std::string topic;
    std::int32_t id = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t segments = 0;
    std::int64_t log_start = 0;
    std::int64_t log_end = 0;
    std::int64_t high_watermark = 0;
  };
  std::vector<partition> partitions;
  /// By listener.
  std::map<std::string, std::uint64_t> connections;
  std::uint64_t fetch_sessions = 0;
  std::uint64_t fetch_session_partitions = 0;
  std::uint64_t fetch_session_evictions = 0;
  std::int64_t request_memory_left = 0;
  std::int64_t request_memory_limit = 0;
};

/// What a node is seen to be at one moment: all that isn't counted as it happens.
struct node_sample {
  node_state state = node_state::starting;
  broker_id self = no_broker;
  /// Null until the broker has them.
  std::shared_ptr<const metadata::image> image;
  std::shared_ptr<const config::broker_config> config;
  std::vector<core_sample> cores;
  std::uint64_t connections_refused = 0;
  double uptime_seconds = 0;
  double start_seconds = 0;
  std::uint64_t leaders = 0;
  std::uint64_t under_replicated = 0;
  std::uint64_t under_min_isr = 0;

  /// The metadata quorum and its image, once there are any.
  struct metadata_counts {
    bool active_controller = false;
    std::int64_t leader = -1;
    std::int64_t epoch = 0;
    std::int64_t high_watermark = -1;
    std::int64_t log_end = 0;
    std::int64_t applied = -1;
    std::uint64_t topics = 0;
    std::uint64_t partitions = 0;
    std::uint64_t offline_partitions = 0;
    std::uint64_t active_brokers = 0;
    std::uint64_t fenced_brokers = 0;
  };
  std::optional<metadata_counts> of_metadata;

  /// As /proc shows it, where there is one.
  struct process {
    double resident_bytes = 0;
    double cpu_seconds = 0;
    std::optional<double> open_files;
  };
  std::optional<process> of_process;
};

/// Asks every core. On core 0.
[[nodiscard]] rt::task<node_sample> take_sample(node& of, const node_state& state);
/// Fills in what can be had without the cores: it counts the image, and asks the system for this process. Blocks.
void complete(rt::file_system& files, node_sample& sample);
/// In the text exposition format.
[[nodiscard]] std::string to_text(const node_sample& sample);

}  // namespace moldau::broker
