#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"
#include "storage/log.hpp"
#include "storage/log_options.hpp"
#include "storage/sync_group.hpp"
#include "storage/tail_cache.hpp"

namespace moldau::storage {

/// Which core a partition lives on, of `cores`.
[[nodiscard]] unsigned core_of(const topic_id& topic, partition_id partition, unsigned cores);

/// What one core's logs share. Made by the manager for each core, used and destroyed on that core.
struct core_storage {
  explicit core_storage(rt::world& on, const storage_options& options)
      : world(on), storage(options), tail(options.tail_cache_bytes, options.tail_cache_bytes_per_log) {}

  rt::world& world;
  storage_options storage;
  tail_budget tail;
  /// One for each log directory, by its index.
  std::vector<std::unique_ptr<sync_group>> sync;
  std::unordered_map<topic_id_partition, std::unique_ptr<log>> logs;
  /// Found by nobody any more, but still used by those who had found them.
  std::vector<std::unique_ptr<log>> leaving;
};

struct manager_options {
  /// `log.dirs`.
  std::vector<std::string> directories;
  storage_options storage;
  /// The broker's defaults.
  log_options defaults;
  /// What a topic's own configuration makes of the defaults; called at load and creation, on the manager's core.
  std::function<log_options(const std::string& topic, const log_options& defaults)> options_of;
  /// Whether a log found on disk belongs to no partition of this broker: it is renamed to `-stray` and not opened.
  /// Called on the manager's core.
  std::function<bool(const std::string& topic, partition_id partition, const topic_id& id)> is_stray;
  /// A directory has failed: nothing of it is answered any more. Called once a directory, on the manager's core.
  std::function<void(const std::string& directory, const error& why)> on_directory_failed;
};

/// One directory of `log.dirs` as the broker registers and describes it.
struct directory_status {
  std::string path;
  /// From meta.properties.
  moldau::directory_id id;
  bool clean_shutdown = false;
  /// From the clean shutdown marker; -1: not there.
  std::int64_t broker_epoch = -1;
  std::uint64_t total_bytes = 0;
  std::uint64_t usable_bytes = 0;
};

/// All logs of a broker, over all its log directories and cores.
///
/// Lives on one core (the broker's main one), where all its calls are made; a log is used on its own core
/// (`core_of`), through `find` there. `__cluster_metadata` is not among them: raft opens that itself.
class log_manager {
 public:
  log_manager(rt::world& world, manager_options options);
  log_manager(const log_manager&) = delete;
  log_manager& operator=(const log_manager&) = delete;
  ~log_manager();

  /// Locks the directories, reads checkpoints, loads all logs in parallel on workers, and hands each to its core.
  /// Errors: `locked`, `io_error`, `kafka_storage_error`, each with a sentence.
  [[nodiscard]] rt::task<result<void>> load();
  /// Starts the periodic work: checkpoints, retention, compaction. After `load`.
  void start();
  /// A clean stop: closes all logs, writes checkpoints and the clean shutdown markers.
  [[nodiscard]] rt::task<result<void>> stop(std::int64_t broker_epoch);
  /// Ends without a trace, as a crash would, but with all jobs awaited: for a failed directory.
  [[nodiscard]] rt::task<void> abandon();

  /// Makes the partition's log, in `directory` or in the directory with the fewest logs; what is there already is
  /// fine. Returns the core it lives on.
  /// Errors: `inconsistent_topic_id`, `log_dir_not_found`, `kafka_storage_error`.
  [[nodiscard]] rt::task<result<unsigned>> create(std::string topic, partition_id partition, topic_id id,
                                                  std::optional<directory_id> directory = std::nullopt);
  /// The log of that partition if it lives on this core and is open. Call it on the core `on`, by that core's index.
  [[nodiscard]] log* find(unsigned on, const topic_id_partition& partition) const;
  /// The storage of that core, to be used there only.
  [[nodiscard]] core_storage& core(unsigned index) const { return *cores_[index]; }

  /// Closes the log, renames its folder to `-delete` and removes it after `file.delete.delay.ms`. The caller has made
  /// sure that nobody uses the log any more.
  [[nodiscard]] rt::task<result<void>> remove(topic_id_partition partition);
  /// A topic's or the broker's properties have changed: gives each log its options anew. Of the storage's, what can
  /// change at run time counts from its next use on: the cleaner's bounds and the intervals.
  [[nodiscard]] rt::task<void> refresh_options(manager_options changed);

  /// Writes all checkpoint files. `flush` also syncs all indexes, which moves the recovery points.
  [[nodiscard]] rt::task<result<void>> checkpoint(bool flush);

  struct known_log {
    topic_partition partition;
    moldau::topic_id topic_id;
    std::size_t directory = 0;
    unsigned core = 0;
  };
  [[nodiscard]] const std::unordered_map<topic_id_partition, known_log>& logs() const { return known_; }
  /// Asks the file system for its space as well.
  [[nodiscard]] rt::task<std::vector<directory_status>> directories();
  [[nodiscard]] const std::vector<directory_id>& directory_ids() const { return directory_ids_; }

 private:
  struct directory_state;
  struct found_log;

  rt::task<result<void>> read_directory(directory_state& in, std::vector<found_log>& found);
  rt::task<result<void>> open_found(std::vector<found_log> found);
  rt::task<void> make_cores();
  [[nodiscard]] log_context context_of(core_storage& on, std::size_t directory);
  [[nodiscard]] log_options options_of(const std::string& topic) const;
  rt::task<result<void>> write_checkpoints();
  /// Runs `work` for each log, each on its core, `at_once` of a core's at a time. Returns the first error.
  rt::task<result<void>> for_each_log(std::function<rt::task<result<void>>(log&)> work, unsigned at_once);
  rt::task<void> compact_all();
  rt::task<bool> compact_dirtiest(std::size_t directory);
  rt::task<void> periodic(std::function<std::int64_t()> interval_ms, std::function<rt::task<void>()> work);
  rt::task<void> end_background();
  rt::task<void> destroy_cores();
  void directory_failed(std::size_t index, const error& why);
  rt::task<void> remove_directory(std::string path);
  void remove_later(std::string path, std::int64_t delay_ms);

  rt::world& world_;
  manager_options options_;
  std::vector<std::unique_ptr<directory_state>> directories_;
  std::vector<directory_id> directory_ids_;
  std::vector<std::unique_ptr<core_storage>> cores_;
  std::unordered_map<topic_id_partition, known_log> known_;
  std::vector<std::unique_ptr<rt::timer>> removals_;
  std::vector<rt::event*> ticks_;
  bool stopping_ = false;
  rt::gate background_;
  async_mutex checkpointing_;
};

}  // namespace moldau::storage
