#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.hpp"

/// The subcommands: what each is told by the command line, and its body, which returns the exit code.
namespace moldau::cli {

struct topic_arguments {
  std::vector<std::string> names;
  std::optional<std::int32_t> partitions;
  std::optional<std::int16_t> replication_factor;
  std::vector<std::string> configs;
  std::vector<std::string> removed_configs;
  bool if_missing = false;
  bool if_exists = false;
  bool internal = false;
  bool validate_only = false;
};
int topic_list(const context& in, const topic_arguments& told);
int topic_create(const context& in, const topic_arguments& told);
int topic_delete(const context& in, const topic_arguments& told);
int topic_describe(const context& in, const topic_arguments& told);
int topic_alter(const context& in, const topic_arguments& told);
int topic_delete_records(const context& in, const std::string& topic, const std::vector<std::string>& before);

struct produce_arguments {
  std::string topic;
  /// "-" is standard input.
  std::vector<std::string> files;
  /// Each file is one record.
  bool whole_files = false;
  std::string delimiter = "\\n";
  std::optional<std::string> key_delimiter;
  std::optional<std::string> key;
  std::vector<std::string> headers;
  std::optional<std::int32_t> partition;
  std::string codec = "none";
  std::string acks = "all";
  bool json = false;
  bool empty_is_null = false;
};
int produce(const context& in, const produce_arguments& told);

struct consume_arguments {
  std::vector<std::string> topics;
  std::optional<std::string> group;
  std::vector<std::int32_t> partitions;
  std::optional<std::string> from;
  std::optional<std::uint64_t> count;
  bool exit_at_end = false;
  std::optional<std::string> format;
  bool json = false;
  bool committed_only = false;
};
int consume(const context& in, const consume_arguments& told);

struct group_arguments {
  std::vector<std::string> names;
  std::vector<std::string> topics;
  bool members = false;
  /// Where to reset to: "earliest", "latest", an offset, "+n", "-n" or "@time".
  std::string to;
  bool execute = false;
};
int group_list(const context& in);
int group_describe(const context& in, const group_arguments& told);
int group_delete(const context& in, const group_arguments& told);
int group_reset(const context& in, const group_arguments& told);
int group_delete_offsets(const context& in, const group_arguments& told);

struct config_arguments {
  /// "topic", "broker", "cluster" or "group".
  std::string kind;
  std::string name;
  std::vector<std::string> values;
  std::vector<std::string> append;
  std::vector<std::string> subtract;
  bool all = false;
  bool docs = false;
  std::optional<std::string> file;
  std::vector<std::string> overrides;
};
int config_describe(const context& in, const config_arguments& told);
int config_set(const context& in, const config_arguments& told);
int config_delete(const context& in, const config_arguments& told);
int config_show(const context& in, const config_arguments& told);

int cluster_describe(const context& in);
int cluster_features(const context& in);
int cluster_update_features(const context& in, const std::vector<std::string>& changes, bool downgrade, bool is_unsafe);
int cluster_quorum(const context& in);
int cluster_log_dirs(const context& in, const std::vector<std::int32_t>& brokers);

struct log_arguments {
  std::vector<std::string> paths;
  bool records = false;
  /// Value decoded as: "auto", "text", "metadata", "offsets".
  std::string decoder = "auto";
};
int log_dump(const context& in, const log_arguments& told);
int log_verify(const context& in, const log_arguments& told);

struct perf_arguments {
  std::vector<std::string> topics;
  std::optional<std::uint64_t> records;
  /// Ends after so long, in seconds.
  std::optional<double> duration;
  /// Records at the beginning that no figure counts.
  std::optional<std::uint64_t> warm_up;
  std::size_t record_size = 100;
  /// Records a second; as fast as it goes without.
  std::optional<double> throughput;
  std::optional<std::string> payload_file;
  std::string payload_delimiter = "\\n";
  /// How many different keys; none with 0.
  std::uint64_t keys = 0;
  std::optional<std::string> codec;
  std::optional<std::string> acks;
  /// The topic is made with these where it isn't there.
  std::optional<std::int32_t> partitions;
  std::optional<std::int16_t> replication_factor;
  std::optional<std::string> group;
  bool from_end = false;
  /// Gives up when nothing has come for so long.
  std::int64_t idle_ms = 10'000;
  /// "ack" or "consumer".
  std::string to = "consumer";
};
int perf_produce(const context& in, const perf_arguments& told);
int perf_consume(const context& in, const perf_arguments& told);
int perf_latency(const context& in, const perf_arguments& told);

struct mirror_arguments {
  std::string source;
  std::string destination;
  std::vector<std::string> topics;
  std::vector<std::string> patterns;
  std::vector<std::string> excluded;
  std::string prefix;
  std::string group = "moldau-mirror";
  /// "beginning", "end" or "@time": where a partition begins that has no resume point.
  std::string from = "beginning";
  bool once = false;
  bool restart = false;
  std::optional<std::int16_t> replication_factor;
  std::vector<std::string> source_properties;
  std::vector<std::string> destination_properties;
  std::optional<std::string> codec;
  std::int64_t commit_ms = 5'000;
  std::int64_t refresh_ms = 30'000;
};
int mirror(const context& in, const mirror_arguments& told);

}  // namespace moldau::cli
