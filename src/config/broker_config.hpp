#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/listeners.hpp"
#include "config/mistake.hpp"
#include "config/value.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::config {

/// Names and texts, as metadata records and requests carry them.
using settings = std::map<std::string, std::string, std::less<>>;

/// The layer that gave a value, numbered as DescribeConfigs numbers it.
enum class config_source : std::int8_t {
  dynamic_topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_value = 5,
};

/// Where a static value was written.
enum class static_origin : std::uint8_t { file, command_line, standalone };

/// Where a value comes from, for people.
struct origin {
  config_source source = config_source::default_value;
  static_origin written = static_origin::file;
  /// In the file, from 1; otherwise 0.
  std::size_t line = 0;
  /// The property that set it: another one than was asked for if a synonym did.
  std::string name;

  /// "line 12", "command line", "standalone default", "dynamic (this broker)", "dynamic (cluster)" or "default".
  [[nodiscard]] std::string to_text() const;
};

/// One value in the chain that DescribeConfigs shows as synonyms.
struct synonym {
  std::string name;
  std::optional<std::string> value;
  config_source source = config_source::default_value;

  friend bool operator==(const synonym&, const synonym&) = default;
};

/// One property as DescribeConfigs answers it.
struct described_config {
  std::string name;
  /// Nothing for null and for what is sensitive.
  std::optional<std::string> value;
  config_source source = config_source::default_value;
  bool read_only = false;
  bool sensitive = false;
  /// 0 (unknown) for a name without definition.
  std::int8_t type = 0;
  std::string_view doc;
  /// In order of precedence; the first is the one that counts.
  std::vector<synonym> synonyms;
};

class broker_config;

struct loaded_broker_config;

/// Everything that a broker or controller is told by properties: a file's, those set at run time, the defaults.
///
/// A value type: copy it to keep a consistent view. Reading is thread safe. The accessors by name are for start-up and
/// for reconfiguration; a data path keeps what it read.
class broker_config {
 public:
  /// Parses the text of a `server.properties`; `overrides` come after it and win (command line).
  ///
  /// Reports every mistake at once. There is a config only if there are no errors; warnings are for the log.
  [[nodiscard]] static loaded_broker_config load(std::string_view text, const settings& overrides = {});
  /// What `moldau start` without a file means: one node, broker and controller, data in ./moldau-data.
  [[nodiscard]] static loaded_broker_config default_standalone(const settings& overrides = {});

  /// The value in effect. `name` must be a broker property (an assertion: names are literals in our code).
  [[nodiscard]] const value& effective(std::string_view name) const;
  [[nodiscard]] bool is_null(std::string_view name) const;
  // By type; null gives false, 0, empty. The property must have that type.
  [[nodiscard]] bool boolean(std::string_view name) const;
  [[nodiscard]] std::int32_t int32(std::string_view name) const;
  [[nodiscard]] std::int64_t int64(std::string_view name) const;
  [[nodiscard]] double float64(std::string_view name) const;
  [[nodiscard]] const std::string& string(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& list(std::string_view name) const;

  /// Where `name`'s value comes from, synonyms considered.
  [[nodiscard]] origin origin_of(std::string_view name) const;

  [[nodiscard]] broker_id node_id() const { return broker_id(int32("node.id")); }
  [[nodiscard]] bool is_broker() const { return broker_role_; }
  [[nodiscard]] bool is_controller() const { return controller_role_; }
  /// Listeners for clients and other brokers, without the controller's.
  [[nodiscard]] const std::vector<endpoint>& broker_listeners() const { return broker_listeners_; }
  /// Listeners of this node's controller; empty on a node that is only a broker.
  [[nodiscard]] const std::vector<endpoint>& controller_listeners() const { return controller_listeners_; }
  /// What clients are told. An empty host means: the machine's name, which the caller resolves.
  [[nodiscard]] const std::vector<endpoint>& advertised_listeners() const { return advertised_listeners_; }
  [[nodiscard]] const std::vector<endpoint>& advertised_controller_listeners() const {
    return advertised_controller_listeners_;
  }
  /// The listener that brokers use among each other.
  [[nodiscard]] const std::string& inter_broker_listener() const { return inter_broker_listener_; }
  [[nodiscard]] const protocol_map& listener_protocols() const { return protocols_; }
  /// Empty unless the quorum is static (`kraft.version` 0).
  [[nodiscard]] const std::vector<voter>& quorum_voters() const { return voters_; }
  [[nodiscard]] const std::vector<host_port>& quorum_bootstrap_servers() const { return bootstrap_servers_; }
  /// `log.dirs`, or `log.dir`.
  [[nodiscard]] const std::vector<std::string>& log_dirs() const { return log_dirs_; }
  /// `metadata.log.dir`, or the first of the log directories.
  [[nodiscard]] const std::string& metadata_log_dir() const;

  /// log.retention.ms, .minutes or .hours, whichever is set first in that order; -1 keeps for ever.
  [[nodiscard]] std::int64_t log_retention_ms() const;
  [[nodiscard]] std::int64_t log_roll_ms() const;
  [[nodiscard]] std::int64_t log_roll_jitter_ms() const;
  [[nodiscard]] std::int64_t log_flush_interval_ms() const;
  /// `queued.max.request.bytes`; -1 means moldau's own 64 MiB.
  [[nodiscard]] std::int64_t queued_max_request_bytes() const;
  /// Connections allowed from one address.
  [[nodiscard]] std::int32_t max_connections_of(std::string_view address) const;

  /// Connections allowed on one listener (`listener.name.<listener>.max.connections`), named in any case.
  [[nodiscard]] std::int32_t max_connections_on(std::string_view listener) const;

  /// Puts the dynamic layers of the metadata image in effect, replacing those before. A value that can't be used is
  /// left out and reported: what is running goes on with the layer below.
  [[nodiscard]] std::vector<mistake> apply_dynamic(const settings& cluster_wide, const settings& this_broker);

  /// All properties, as DescribeConfigs answers them for this broker (names without definition included).
  [[nodiscard]] std::vector<described_config> describe() const;
  /// Only what is set cluster-wide, as DescribeConfigs answers them for the empty broker name.
  [[nodiscard]] std::vector<described_config> describe_cluster_wide() const;
  [[nodiscard]] described_config describe(std::string_view name) const;
  /// The chain for a broker property under its synonyms, in order of precedence.
  [[nodiscard]] std::vector<synonym> synonyms_of(std::string_view name) const;

 private:
  friend struct broker_config_builder;

  struct static_setting {
    std::string text;
    static_origin written = static_origin::file;
    std::size_t line = 0;
  };

  void compute_effective();

  std::map<std::string, static_setting, std::less<>> static_;
  settings dynamic_default_;
  settings dynamic_broker_;
  std::map<std::string_view, value> effective_;

  bool broker_role_ = false;
  bool controller_role_ = false;
  protocol_map protocols_;
  std::vector<endpoint> broker_listeners_;
  std::vector<endpoint> controller_listeners_;
  std::vector<endpoint> advertised_listeners_;
  std::vector<endpoint> advertised_controller_listeners_;
  std::string inter_broker_listener_;
  std::vector<voter> voters_;
  std::vector<host_port> bootstrap_servers_;
  std::vector<std::string> log_dirs_;
};

/// What became of a configuration's text.
struct loaded_broker_config {
  /// Nothing if there are errors.
  std::optional<broker_config> config;
  std::vector<mistake> errors;
  std::vector<mistake> warnings;
};

/// Checks what a request wants to set on a broker: that each may be changed at run time, on this level, and parses.
///
/// `per_broker` is false for the cluster-wide default. Errors: `errc::invalid_config` with Kafka's sentence.
[[nodiscard]] result<void> validate_dynamic_broker_config(const settings& proposed, bool per_broker);

}  // namespace moldau::config
