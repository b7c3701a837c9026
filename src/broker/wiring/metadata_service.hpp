#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/broker_config.hpp"
#include "metadata/controller.hpp"
#include "metadata/loader.hpp"
#include "metadata/snapshots.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "raft/quorum.hpp"
#include "raft/snapshot.hpp"
#include "rt/callback_list.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/world.hpp"
#include "storage/log.hpp"
#include "storage/offset_gate.hpp"
#include "storage/sync_group.hpp"
#include "storage/tail_cache.hpp"

namespace moldau::broker {

/// Raft's log on storage, the controller on raft, and the images that come out: the metadata half of a node.
///
/// Lives on core 0. Requests are answered once their records are committed and the image that holds them has been
/// handed to `on_update` and that has returned, so that a topic can be used when its creation is answered.
class metadata_service final : private storage::log_listener {
 public:
  struct options {
    /// The metadata log directory, formatted.
    std::string directory;
    raft::quorum_options quorum;
    metadata::controller_options controller;
    metadata::snapshot_policy snapshots;
    /// `metadata.max.retention.bytes` and `.ms`: how much of the log and of older snapshots is kept beside the newest
    /// snapshot; -1 keeps all.
    std::int64_t retention_bytes = -1;
    std::int64_t retention_ms = -1;
    storage::storage_options storage;
    storage::log_options log;
    /// Applies a new image to the broker.
    std::function<rt::task<void>(metadata::image_update)> on_update;
    /// Nothing of the metadata log may be answered any more.
    std::function<void(const error&)> on_failed;
  };

  metadata_service(rt::world& world, options options);
  ~metadata_service();

  /// Reads snapshot and log, becomes leader and active controller, and publishes the first image.
  /// Errors: what the files hold can't be used, with a sentence; `kafka_storage_error`.
  [[nodiscard]] rt::task<result<void>> start();
  [[nodiscard]] rt::task<void> stop(bool clean);

  /// Runs one of the controller's handlers and waits until what it wrote is applied:
  /// `co_await service.call([&](metadata::controller& c, std::int64_t now_ms) { return c.create_topics(…); })`.
  /// Errors: `kafka_storage_error` when the metadata log can't be written any more.
  template <typename Handler>
  auto call(Handler handler)
      -> rt::task<result<decltype(handler(std::declval<metadata::controller&>(), 0L).response)>> {
    auto response = tell(std::move(handler));
    if (!response) co_return response;
    if (auto done = co_await await_applied(); !done) co_return std::unexpected<error>(std::move(done).error());
    co_return response;
  }
  /// As `call`, but waits for nothing: not for what the handler wrote, nor for what was written before.
  template <typename Handler>
  auto tell(Handler handler) -> result<decltype(handler(std::declval<metadata::controller&>(), 0L).response)> {
    auto out = handler(controller_, now_ms());
    if (!out.records.empty()) MOLDAU_TRY(append(out.records));
    return std::move(out.response);
  }
  /// Until all that is written so far is applied. Errors: as `call`.
  [[nodiscard]] storage::offset_gate::awaiter await_applied() { return applied_.wait(quorum_.end_offset()); }

  [[nodiscard]] const raft::quorum& quorum() const { return quorum_; }
  [[nodiscard]] const std::shared_ptr<const metadata::image>& image() const { return loader_.current(); }

  [[nodiscard]] storage::log& log() { return *log_; }
  /// Those on disk.
  [[nodiscard]] const std::set<raft::snapshot_id>& snapshots() const { return snapshots_; }
  [[nodiscard]] std::string path_of(raft::snapshot_id id) const;
  /// Called when the high watermark moves the next time.
  void on_committed(rt::callback& what) { on_committed_.add(what); }

 private:
  void on_written() override {}
  void on_synced() override;
  void on_failed(const error& why) override;

  [[nodiscard]] std::int64_t now_ms() const;
  /// What the partition's directory says before the log is opened.
  struct found_files {
    std::set<raft::snapshot_id> snapshots;
    /// Below it everything was on the disk.
    offset written_end{0};
  };
  result<found_files> scan_directory();
  rt::task<result<void>> load_snapshot(raft::snapshot_id newest, raft::control_state& control);
  rt::task<result<void>> replay(raft::control_state& control);
  rt::task<result<std::optional<raft::quorum_state>>> read_quorum_state();
  rt::task<result<void>> write_quorum_state(std::string text);
  result<offset> append(const std::vector<shared_bytes>& records);
  result<void> carry_out(raft::quorum_effects effects);
  rt::task<void> apply_loop();
  rt::task<void> poll_loop();
  rt::task<void> snapshot_if_due();
  rt::task<result<void>> remove_old_snapshots();
  [[nodiscard]] std::string partition_directory() const;

  rt::world& world_;
  options options_;
  base::logger logger_;
  storage::tail_budget tail_;
  storage::sync_group sync_;
  std::unique_ptr<storage::log> log_;
  raft::quorum quorum_;
  metadata::controller controller_;
  metadata::loader loader_;

  struct pending_update {
    std::optional<metadata::image_update> update;
    offset end;
  };
  std::deque<pending_update> updates_;
  rt::event update_queued_;
  /// Everything below has been applied to the broker.
  storage::offset_gate applied_;
  rt::event stop_event_;
  std::unique_ptr<rt::timer> poll_timer_;
  rt::gate running_;
  rt::time_point last_snapshot_;
  std::set<raft::snapshot_id> snapshots_;
  rt::callback_list on_committed_;
  bool stopping_ = false;
};

}  // namespace moldau::broker
