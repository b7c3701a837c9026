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

}  // namespace moldau::cli
