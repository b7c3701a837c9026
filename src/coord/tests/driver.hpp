#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coord/group_coordinator.hpp"

namespace moldau::coord::testing {

/// A coordinator whose log is a vector and whose clock and commits are moved by hand.
class driver {
 public:
  explicit driver(group_options options = {}) : options_(std::move(options)) {
    options_.random = [this] { return ++random_; };
    reopen();
    coordinator_->loaded(now());
  }

  [[nodiscard]] instant now() const { return {.monotonic_ms = clock_ms, .wall_ms = wall_start_ms + clock_ms}; }
  group_coordinator& operator*() { return *coordinator_; }
  group_coordinator* operator->() { return coordinator_.get(); }

  /// A new coordinator that has replayed the log so far.
  [[nodiscard]] std::unique_ptr<group_coordinator> replayed() {
    auto out = std::make_unique<group_coordinator>(
        options_, [](std::span<const record>) -> result<offset> { return fail(errc::not_leader_or_follower); },
        base::logger());
    std::int64_t at = 0;
    for (const record& one : log) {
      out->replay(one.key, one.value ? std::optional<bytes_view>(one.value->view()) : std::nullopt,
                  {.offset = offset(at++)});
    }
    return out;
  }
  /// Starts over from the log, as after a restart.
  void restart() {
    reopen();
    std::int64_t at = 0;
    for (const record& one : log) {
      coordinator_->replay(one.key, one.value ? std::optional<bytes_view>(one.value->view()) : std::nullopt,
                           {.offset = offset(at++)});
    }
    coordinator_->loaded(now());
  }

  /// Appends what was gathered and commits all that stands in the log.
  void settle() {
    coordinator_->flush();
    commit();
  }
  void commit() {
    while (const auto end = coordinator_->uncommitted_end()) coordinator_->committed(*end, now());
  }
  /// Lets time pass, with everything that comes due in it.
  void advance(std::int64_t ms) {
    const std::int64_t until = clock_ms + ms;
    while (const auto next = coordinator_->next_deadline_ms()) {
      if (*next > until) break;
      clock_ms = std::max(clock_ms, *next);
      coordinator_->poll(now());
      settle();
    }
    clock_ms = until;
  }

  struct join_options {
    std::string_view group = "g";
    std::string_view member;
    std::optional<std::string_view> instance;
    std::vector<std::string_view> protocols{"range"};
    std::string_view metadata = "m";
    std::string_view type = "consumer";
    std::int32_t session_ms = 10'000;
    std::int32_t rebalance_ms = 60'000;
    std::int16_t version = 9;
  };
  /// Hands a JoinGroup in; the result is filled once it is answered.
  std::shared_ptr<std::optional<join_result>> join(const join_options& what) {
    wire::protocol::join_group_request request;
    request.group_id = what.group;
    request.member_id = what.member;
    request.group_instance_id = what.instance;
    request.protocol_type = what.type;
    request.session_timeout_ms = what.session_ms;
    request.rebalance_timeout_ms = what.rebalance_ms;
    for (const auto name : what.protocols) request.protocols.push_back({name, as_bytes(what.metadata)});
    auto out = std::make_shared<std::optional<join_result>>();
    coordinator_->join(request, {what.version, "client", "/10.0.0.1"}, now(),
                       [out](join_result value) { *out = value; });
    return out;
  }
  /// KIP-394 whole: asks for an id, then joins with it.
  std::shared_ptr<std::optional<join_result>> join_with_new_id(join_options what, std::string& id) {
    id = (*join(what))->member_id;
    what.member = id;
    return join(what);
  }

  struct sync_options {
    std::string_view group = "g";
    std::string_view member;
    std::int32_t generation = 1;
    std::optional<std::string_view> instance;
    std::vector<std::pair<std::string_view, std::string_view>> assignments;
    std::optional<std::string_view> type = "consumer";
    std::optional<std::string_view> protocol = "range";
  };
  std::shared_ptr<std::optional<sync_result>> sync(const sync_options& what) {
    wire::protocol::sync_group_request request;
    request.group_id = what.group;
    request.member_id = what.member;
    request.generation_id = what.generation;
    request.group_instance_id = what.instance;
    request.protocol_type = what.type;
    request.protocol_name = what.protocol;
    for (const auto& [member, bytes] : what.assignments) request.assignments.push_back({member, as_bytes(bytes)});
    auto out = std::make_shared<std::optional<sync_result>>();
    coordinator_->sync(request, now(), [out](sync_result value) { *out = value; });
    return out;
  }

  errc heartbeat(std::string_view member, std::int32_t generation, std::string_view group = "g",
                 std::optional<std::string_view> instance = {}) {
    wire::protocol::heartbeat_request request;
    request.group_id = group;
    request.member_id = member;
    request.generation_id = generation;
    request.group_instance_id = instance;
    errc out = errc::unknown_server_error;
    coordinator_->heartbeat(request, now(), [&](errc code) { out = code; });
    return out;
  }

  leave_result leave(std::vector<leaving_member> members, std::string_view group = "g") {
    leave_result out;
    coordinator_->leave(group, members, now(), [&](leave_result value) { out = value; });
    settle();
    return out;
  }

  struct commit_options {
    std::string_view group = "g";
    std::string_view member;
    std::int32_t generation = -1;
    std::string_view topic = "t";
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string_view metadata;
    topic_id id;
    std::int64_t retention_ms = -1;
    std::int16_t version = 9;
  };
  std::shared_ptr<std::optional<commit_result>> commit_offset(const commit_options& what) {
    const offset_to_commit one{.topic = what.topic,
                               .id = what.id,
                               .partition = partition_id(what.partition),
                               .offset = moldau::offset(what.offset),
                               .epoch = leader_epoch(3),
                               .metadata = what.metadata};
    auto out = std::make_shared<std::optional<commit_result>>();
    coordinator_->commit_offsets({.group = what.group,
                                  .generation = what.generation,
                                  .member_id = what.member,
                                  .retention_ms = what.retention_ms,
                                  .offsets = {&one, 1}},
                                 {what.version, "client", "/10.0.0.1"}, now(),
                                 [out](commit_result value) { *out = value; });
    return out;
  }
  /// The code that a commit comes to once everything is committed.
  errc commit_code(const commit_options& what) {
    const auto out = commit_offset(what);
    settle();
    if (!*out) return errc::request_timed_out;
    return (*out)->error != errc::none ? (*out)->error : (*out)->offsets.front();
  }
  std::int64_t fetched(std::string_view topic = "t", std::int32_t partition = 0, std::string_view group = "g") {
    std::int64_t out = -2;
    fetch_request wanted{.group = group};
    wanted.topics.emplace().push_back({topic, {}, {partition_id(partition)}});
    coordinator_->fetch_offsets(wanted, now(), [&](fetch_result value) {
      out = value.error == errc::none ? value.topics[0].partitions[0].offset.value() : -3;
    });
    settle();
    return out;
  }

  /// A stable group of one member, generation 1.
  std::string stable_member() { return stable_member(join_options{}); }
  std::string stable_member(const join_options& what) {
    std::string id;
    const auto joined = join_with_new_id(what, id);
    advance(options_.initial_rebalance_delay_ms);
    sync({.group = what.group, .member = id, .assignments = {{id, "a"}}, .type = what.type});
    settle();
    return id;
  }

  std::vector<record> log;
  /// What the next appends fail with.
  errc append_error = errc::none;
  std::size_t batches = 0;
  std::int64_t clock_ms = 1000;
  static constexpr std::int64_t wall_start_ms = 1'700'000'000'000;

 private:
  void reopen() {
    coordinator_ = std::make_unique<group_coordinator>(
        options_,
        [this](std::span<const record> records) -> result<offset> {
          if (append_error != errc::none) return fail(append_error);
          log.insert(log.end(), records.begin(), records.end());
          ++batches;
          return offset(static_cast<std::int64_t>(log.size()));
        },
        base::logger());
  }

  group_options options_;
  std::uint64_t random_ = 0;
  std::unique_ptr<group_coordinator> coordinator_;
};

}  // namespace moldau::coord::testing
