#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "coord/classic_group.hpp"
#include "coord/foreign_group.hpp"
#include "coord/group_api.hpp"
#include "coord/offset_store.hpp"
#include "coord/runtime.hpp"
#include "coord/timers.hpp"
#include "wire/protocol/heartbeat_request.hpp"
#include "wire/protocol/join_group_request.hpp"
#include "wire/protocol/sync_group_request.hpp"

namespace moldau::coord {

struct group_options {
  /// `group.initial.rebalance.delay.ms`.
  std::int32_t initial_rebalance_delay_ms = 3000;
  /// `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.
  std::int32_t min_session_timeout_ms = 6000;
  std::int32_t max_session_timeout_ms = 1'800'000;
  /// `group.max.size`.
  std::int32_t max_size = INT32_MAX;
  /// `offset.metadata.max.bytes`, in UTF-16 units as Kafka counts.
  std::int32_t offset_metadata_max = 4096;
  /// `offsets.retention.minutes`.
  std::int64_t offsets_retention_ms = std::int64_t{7} * 24 * 60 * 60 * 1000;
  /// `offsets.retention.check.interval.ms`.
  std::int64_t retention_check_interval_ms = 600'000;
  /// `offsets.commit.timeout.ms`.
  std::int64_t commit_timeout_ms = 5000;
  /// The most that one batch may take before compression.
  std::size_t batch_bytes_max = 1'048'588;
  /// 64 random bits, for member ids.
  std::function<std::uint64_t()> random;
};

/// The group coordinator of one partition of `__consumer_offsets`: the classic group protocol and committed offsets.
///
/// Without I/O and clocks. Its owner replays the partition (`replay`, `end_transaction`, then `loaded`), hands requests
/// in, calls `flush` when it has handed in what it had, tells what has been committed, and calls `poll` when
/// `next_deadline_ms` has come. Replies are called from inside any of these, so they must only note their value: the
/// coordinator must not be entered again before the call has returned. Not thread safe.
class group_coordinator final : private state_machine {
 public:
  group_coordinator(group_options options, runtime::appender append, base::logger log);

  // Loading.
  /// Record types without a handler here are skipped.
  void replay(bytes_view key, std::optional<bytes_view> value, record_place place) { apply(key, value, place); }
  void end_transaction(producer_id transaction, bool commit) { offsets_.end_transaction(transaction, commit); }
  /// Replay is over: sessions begin to run.
  void loaded(instant now);
  /// The broker stops, or the partition goes: parked requests get `not_coordinator`, and nothing may be handed in any
  /// more. What waits for its commit may still get it.
  void resign();
  /// The same, and nothing will be committed any more.
  void unload();

  // The protocol.
  void join(const wire::protocol::join_group_request& request, const caller& from, instant now,
            reply<join_result> done);
  void sync(const wire::protocol::sync_group_request& request, instant now, reply<sync_result> done);
  void heartbeat(const wire::protocol::heartbeat_request& request, instant now, reply<errc> done);
  void leave(std::string_view group, std::span<const leaving_member> members, instant now, reply<leave_result> done);

  // Offsets.
  void commit_offsets(const commit_request& request, const caller& from, instant now, reply<commit_result> done);
  void fetch_offsets(const fetch_request& request, instant now, reply<fetch_result> done);
  /// Answers one code a partition, or one for all as the result's error.
  void delete_offsets(const delete_offsets_request& request, instant now, reply<commit_result> done);
  /// Topics that are no more: their offsets go.
  void topics_deleted(const std::map<topic_id, std::string>& topics, instant now);

  // Administration. What is listed and described is what stands now.
  [[nodiscard]] std::vector<listed_group> list(std::span<const std::string_view> states,
                                               std::span<const std::string_view> types) const;
  [[nodiscard]] described_group describe(std::string_view group, std::int16_t api_version) const;
  /// Answers one code a group, in order.
  void remove_groups(std::span<const std::string_view> groups, instant now, reply<std::vector<errc>> done);

  // What the owner drives.
  void flush() { runtime_.flush(); }
  [[nodiscard]] bool has_gathered() const { return runtime_.has_gathered(); }
  [[nodiscard]] std::optional<offset> uncommitted_end() const { return runtime_.uncommitted_end(); }
  void committed(offset end, instant now);
  /// Expires sessions, completes rebalances whose time is over, drops offsets past their retention.
  void poll(instant now);
  [[nodiscard]] std::optional<std::int64_t> next_deadline_ms() const;

  // For tests and tools.
  [[nodiscard]] const classic_group* find_classic(std::string_view group) const;
  [[nodiscard]] const foreign_group* find_foreign(std::string_view group) const;
  [[nodiscard]] const offset_store& offsets() const { return offsets_; }

 private:
  enum class timer_kind : std::uint8_t { session, join, sync, retention };
  struct timer_key {
    timer_kind kind;
    std::string group;
    std::string member;
    friend auto operator<=>(const timer_key&, const timer_key&) = default;
  };
  /// One of the two.
  struct entry {
    std::unique_ptr<classic_group> classic;
    std::unique_ptr<foreign_group> foreign;
  };
  /// Takes the time in and appends what was gathered, before and after: only commits are gathered over calls.
  class turn {
   public:
    turn(group_coordinator& of, instant now) : of_(of) {
      of_.set_time(now);
      of_.runtime_.flush();
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn() { of_.runtime_.flush(); }

   private:
    group_coordinator& of_;
  };

  void set_time(instant now) {
    now_ = now;
    runtime_.set_time(now.monotonic_ms);
  }
  void apply(bytes_view key, std::optional<bytes_view> value, record_place place) override;
  void apply_offset(bytes_view key, std::optional<bytes_view> value, record_place place);
  void apply_group(bytes_view key, std::optional<bytes_view> value);
  void apply_foreign(std::int16_t type, bytes_view key, std::optional<bytes_view> value);

  [[nodiscard]] classic_group* classic(std::string_view group);
  classic_group& make_classic(std::string_view group);
  void erase_group(std::string_view group);
  void write_group(const classic_group& group, const std::map<std::string, shared_bytes>* assignments,
                   runtime::callback done);

  // Joining; see group_join.cpp.
  using protocols = std::vector<member_protocol>;
  void join_new(classic_group& group, const wire::protocol::join_group_request& request, const caller& from,
                protocols offered, reply<join_result> done);
  void join_known(classic_group& group, const wire::protocol::join_group_request& request, const caller& from,
                  protocols offered, reply<join_result> done);
  void add_member(classic_group& group, const wire::protocol::join_group_request& request, const caller& from,
                  std::string id, protocols offered, reply<join_result> done);
  void update_member(classic_group& group, classic_member& member, const wire::protocol::join_group_request& request,
                     protocols offered, reply<join_result> done);
  void replace_static_member(classic_group& group, const wire::protocol::join_group_request& request,
                             const caller& from, const std::string& old_id, protocols offered, reply<join_result> done);
  [[nodiscard]] bool accepts(const classic_group& group, std::string_view member) const;
  [[nodiscard]] std::string new_member_id(std::string_view prefix);
  [[nodiscard]] static join_result current_generation(const classic_group& group, const classic_member& member);

  // Rebalancing; see group_rebalance.cpp.
  void rebalance_or_complete(classic_group& group, std::string_view reason);
  void prepare_rebalance(classic_group& group, std::string_view reason);
  void complete_join_if_all_joined(classic_group& group);
  void complete_join(classic_group& group);
  void continue_initial_delay(classic_group& group);
  void expire_session(classic_group& group, const std::string& member);
  void expire_sync(classic_group& group);
  void remove_member(classic_group& group, std::string_view member);
  void propagate_assignment(classic_group& group, errc error);
  void assignment_stored(const std::string& group, std::int32_t generation,
                         const std::map<std::string, shared_bytes>& assignment, errc error);
  void stop_sync_timer(classic_group& group);
  void reset_session(const classic_group& group, const classic_member& member);
  void start_timer(timer_kind kind, const std::string& group, std::string member, std::int64_t after_ms);

  void drop_expired();
  [[nodiscard]] errc check_commit(const commit_request& request, const caller& from) const;
  [[nodiscard]] errc check_fetch(const fetch_request& request, bool& unknown) const;
  [[nodiscard]] std::vector<record> offset_tombstones(std::string_view group) const;

  group_options options_;
  base::logger log_;
  runtime runtime_;
  timers<timer_key> timers_;
  std::map<std::string, entry, std::less<>> groups_;
  offset_store offsets_;
  instant now_;
};

/// What a client of the group protocol is told of an append that failed.
[[nodiscard]] errc append_error_to_response(errc why);

}  // namespace moldau::coord
