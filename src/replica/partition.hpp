#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/callback_list.hpp"
#include "rt/completion.hpp"
#include "rt/task.hpp"
#include "rt/world.hpp"
#include "storage/log.hpp"
#include "storage/offset_gate.hpp"

namespace moldau::replica {

/// Which end of a partition a reader may see (`isolation.level`).
enum class isolation : std::int8_t { read_uncommitted = 0, read_committed = 1 };

/// A partition that this broker leads: its log, its high watermark and those who wait for either to move.
///
/// Lives on the partition's core. Whoever suspends while using it holds a `use`, and deletion waits for the last one.
class partition final : public storage::log_listener {
 public:
  /// What the metadata says of this replica.
  struct role {
    /// This broker leads; otherwise (no leader is elected) nothing is served.
    bool leads = true;
    leader_epoch epoch{0};
    /// The replicas in sync, this one included, against `min.insync.replicas`.
    std::int32_t in_sync_replicas = 1;

    friend bool operator==(const role&, const role&) = default;
  };

  /// `ack_after_sync` (`log.flush.ack`): the high watermark moves over what is synced, not over what is merely written.
  partition(rt::world& world, storage::log& log, topic_id_partition id, role now, bool ack_after_sync);
  partition(const partition&) = delete;
  partition& operator=(const partition&) = delete;
  ~partition();

  class use {
   public:
    explicit use(partition& of) : of_(&of) { ++of_->uses_; }
    use(use&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    use& operator=(use&&) = delete;
    ~use() {
      if (of_ != nullptr) of_->leave();
    }
    partition* operator->() const { return of_; }
    partition& operator*() const { return *of_; }

   private:
    partition* of_;
  };

  [[nodiscard]] storage::log& log() { return log_; }
  [[nodiscard]] const storage::log& log() const { return log_; }
  [[nodiscard]] const topic_id_partition& id() const { return id_; }
  [[nodiscard]] const std::string& topic() const { return log_.partition().topic; }
  [[nodiscard]] leader_epoch epoch() const { return role_.epoch; }
  /// Takes over what an election or a change of the in-sync replicas has decided.
  void assume(const role& now);
  [[nodiscard]] offset high_watermark() const { return log_.high_watermark(); }
  /// The end that a reader of that isolation sees.
  [[nodiscard]] offset readable_end(isolation level) const {
    return level == isolation::read_committed ? log_.last_stable_offset() : log_.high_watermark();
  }

  /// KIP-320: a client that names an epoch must name ours. Errors: `not_leader_or_follower` where this broker doesn't
  /// lead, `fenced_leader_epoch`, `unknown_leader_epoch`.
  [[nodiscard]] result<void> check_epoch(leader_epoch current) const;

  /// Appends with this leader's epoch, as `storage::log::append_as_leader` (which see). With acks=all and fewer
  /// replicas in sync than `min_in_sync` nothing is appended: `not_enough_replicas`.
  [[nodiscard]] result<storage::append_info> append(shared_bytes batch, bool acks_all, std::int32_t min_in_sync,
                                                    storage::append_origin origin = storage::append_origin::client);
  /// acks=1: until everything below `end` is in the file.
  [[nodiscard]] storage::offset_gate::awaiter await_written(offset end) { return log_.await_written(end); }
  /// acks=all: until the high watermark has reached `end`.
  [[nodiscard]] storage::offset_gate::awaiter await_committed(offset end) { return committed_.wait(end); }

  /// Called, on this core, when something more can be read or the partition closes.
  void add_reader(rt::callback& reader) { readers_.add(reader); }

  /// Everybody who waits gets `not_leader_or_follower`; returns when the last `use` is gone.
  [[nodiscard]] rt::task<void> close();
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  void on_written() override;
  void on_synced() override;
  void on_failed(const error& why) override;
  void advance_high_watermark(offset to);
  void leave();

  rt::world& world_;
  storage::log& log_;
  topic_id_partition id_;
  role role_;
  bool ack_after_sync_;
  storage::offset_gate committed_;
  rt::callback_list readers_;
  std::size_t uses_ = 0;
  rt::completion<bool>* last_use_ = nullptr;
  bool closed_ = false;
};

}  // namespace moldau::replica
