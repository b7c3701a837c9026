#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.hpp"
#include "broker/acceptor.hpp"
#include "broker/admin_port.hpp"
#include "broker/shard.hpp"
#include "broker/wiring/metadata_service.hpp"
#include "broker/wiring/producer_ids.hpp"
#include "config/broker_config.hpp"
#include "metadata/image.hpp"
#include "rt/world.hpp"
#include "storage/log_manager.hpp"

namespace moldau::broker {

/// A listener as it is bound and as clients are told of it.
struct advertised_listener {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
  bool controller = false;
};

/// A whole node: broker, controller, or both, on the cores of one host.
///
/// Made and called on core 0; its shards live on their own cores. `start` formats fresh directories, recovers, takes
/// the lead of the metadata quorum and opens the listeners; `stop` is the way back, down to clean shutdown markers.
class node {
 public:
  struct options {
    /// The host's worlds, in the order of its cores. They outlive the node.
    std::vector<rt::world*> cores;
    std::shared_ptr<const config::broker_config> config;
    /// What an empty advertised host stands for.
    std::string host_name = "localhost";
    /// Something has failed that only a restart mends (a disk that refuses writes): called once, on core 0, with a
    /// sentence. The caller abandons the node and ends the process.
    std::function<void(const error&)> on_fatal;
  };

  explicit node(options options);
  ~node();

  /// Errors: a sentence that says what stands in the way and what to do.
  [[nodiscard]] rt::task<result<void>> start();
  /// A clean stop: answers what is in flight, closes the logs, marks the directories clean.
  [[nodiscard]] rt::task<void> stop();
  /// After `on_fatal`: ends everything without writing any more.
  [[nodiscard]] rt::task<void> abandon();

  [[nodiscard]] shard& shard_of(unsigned core) { return *shards_[core]; }
  [[nodiscard]] unsigned core_count() const { return static_cast<unsigned>(shards_.size()); }
  [[nodiscard]] const base::logger& log() const { return log_; }
  [[nodiscard]] rt::world& main_world() { return *options_.cores.front(); }
  [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }
  [[nodiscard]] broker_id id() const { return options_.config->node_id(); }
  [[nodiscard]] std::int64_t broker_epoch() const { return broker_epoch_; }
  /// The quorum's feature level, which stands in control records and not in the image. Fixed once `start` has returned,
  /// and so are the listeners.
  [[nodiscard]] std::int16_t kraft_version() const { return kraft_version_; }
  [[nodiscard]] const std::vector<advertised_listener>& listeners() const { return listeners_; }
  /// Where a listener is bound, with the port that the system chose for 0.
  [[nodiscard]] std::optional<rt::endpoint> bound(std::string_view listener) const;

  // On core 0 only.
  [[nodiscard]] metadata_service& metadata() { return *metadata_; }
  [[nodiscard]] storage::log_manager& logs() { return *logs_; }
  [[nodiscard]] producer_ids& ids() { return *producer_ids_; }

  /// The newest image and configuration. Null before the metadata log was read.
  [[nodiscard]] const cluster_view& view() const { return view_; }
  [[nodiscard]] const admin_port& admin() const { return admin_; }
  [[nodiscard]] std::uint64_t connections_refused() const { return acceptor_ == nullptr ? 0 : acceptor_->refused(); }

  /// Any core.
  [[nodiscard]] base::metrics& registry() { return registry_; }
  void connection_closed(rt::world& from, const std::string& host, const std::string& listener);

 private:
  rt::task<result<void>> prepare_directories();
  result<void> bind_listeners();
  rt::task<result<void>> start_metadata();
  rt::task<result<void>> load_logs();
  rt::task<result<void>> register_broker();
  [[nodiscard]] result<void> heartbeat();
  rt::task<void> heartbeat_loop();
  rt::task<void> apply(metadata::image_update update);
  rt::task<void> open_partitions(const metadata::image& image, const metadata::image_changes* changes);
  rt::task<void> open_topic(const metadata::topic& topic, const std::set<partition_id>* only);
  rt::task<void> open_partition(const metadata::topic& topic, const metadata::partition& partition);
  rt::task<void> close_topic(const topic_id& id);
  /// Tells the controller which directories the logs lie in, where the metadata doesn't know; null: of all partitions.
  void tell_directories(const metadata::image_changes* changes);
  rt::task<void> publish(const metadata::image_changes& changes);
  void reconfigure(const metadata::image& image);
  [[nodiscard]] storage::log_options log_options_of(const std::string& topic) const;
  [[nodiscard]] storage::manager_options manager_options() const;
  void fail_for_good(const error& why);
  /// Answers what is in flight until `deadline`; then no request, image or wait touches a log any more.
  rt::task<void> end_serving(rt::time_point deadline, bool clean);

  rt::task<result<void>> start_all();

  options options_;
  base::logger log_;
  base::metrics registry_;
  admin_port admin_{*this, registry_};
  std::string cluster_id_;
  directory_id metadata_directory_;
  std::int16_t kraft_version_ = 0;
  std::vector<advertised_listener> listeners_;
  std::vector<std::pair<std::string, rt::endpoint>> bound_;
  // Before the shards, whose partitions use the logs to the end.
  std::unique_ptr<storage::log_manager> logs_;
  std::vector<std::unique_ptr<shard>> shards_;
  std::unique_ptr<acceptor> acceptor_;
  std::unique_ptr<metadata_service> metadata_;
  std::unique_ptr<producer_ids> producer_ids_;
  cluster_view view_;
  bool logs_loaded_ = false;
  std::int64_t broker_epoch_ = -1;
  std::unique_ptr<rt::timer> heartbeat_timer_;
  rt::event wake_;
  rt::gate running_;
  bool stopping_ = false;
  bool failed_ = false;
};

}  // namespace moldau::broker
