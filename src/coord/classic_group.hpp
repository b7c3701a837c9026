#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coord/group_api.hpp"
#include "coord/record.hpp"
#include "wire/coordinator/group_metadata_value.hpp"

namespace moldau::coord {

enum class classic_state : std::uint8_t { empty, preparing_rebalance, completing_rebalance, stable, dead };

/// As Kafka's tools print it: "PreparingRebalance".
[[nodiscard]] std::string_view name(classic_state state);
/// The state machine of classic groups: which state may follow which.
[[nodiscard]] bool may_follow(classic_state from, classic_state to);

struct member_protocol {
  std::string name;
  shared_bytes metadata;
};
/// The same names with the same metadata in the same order.
[[nodiscard]] bool same_protocols(const std::vector<member_protocol>& a, const std::vector<member_protocol>& b);

struct classic_member {
  std::string id;
  /// KIP-345: a static member keeps its place over restarts.
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  std::int32_t rebalance_timeout_ms = 0;
  std::int32_t session_timeout_ms = 0;
  /// In the order of the member's preference; no name twice.
  std::vector<member_protocol> protocols;
  shared_bytes assignment;
  /// Parked requests; empty while there is none.
  reply<join_result> awaiting_join;
  reply<sync_result> awaiting_sync;
  /// Joined since the last rebalance: may be expired even while its JoinGroup waits.
  bool is_new = false;

  [[nodiscard]] bool is_awaiting_join() const { return static_cast<bool>(awaiting_join); }
  [[nodiscard]] bool is_awaiting_sync() const { return static_cast<bool>(awaiting_sync); }
  /// Whether the member counts as alive without having sent a heartbeat.
  [[nodiscard]] bool waits_for_others() const { return !is_new && (is_awaiting_join() || is_awaiting_sync()); }
  /// Empty if it doesn't support it.
  [[nodiscard]] shared_bytes metadata_of(std::string_view protocol) const;
};

/// One group of the classic protocol: members, votes, generation, state. It decides nothing by itself: what happens
/// when is the coordinator's part.
class classic_group {
 public:
  classic_group(std::string id, std::int64_t wall_ms);
  /// As a record holds it: empty, or stable with its members.
  classic_group(std::string id, const wire::coordinator::group_metadata_value& value);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] classic_state state() const { return state_; }
  [[nodiscard]] classic_state previous_state() const { return previous_; }
  [[nodiscard]] bool is(classic_state state) const { return state_ == state; }
  void move_to(classic_state next, std::int64_t wall_ms);

  [[nodiscard]] std::int32_t generation() const { return generation_; }
  [[nodiscard]] const std::optional<std::string>& protocol_type() const { return protocol_type_; }
  [[nodiscard]] const std::optional<std::string>& protocol_name() const { return protocol_name_; }
  [[nodiscard]] const std::optional<std::string>& leader() const { return leader_; }
  [[nodiscard]] bool is_leader(std::string_view member) const { return leader_ && *leader_ == member; }
  /// Since when the group is in its state, if the record told.
  [[nodiscard]] const std::optional<std::int64_t>& state_since_ms() const { return state_since_ms_; }
  /// Made by committing offsets alone: no record stands for it.
  [[nodiscard]] bool is_simple() const { return !protocol_type_ && is(classic_state::empty) && pending_.empty(); }
  [[nodiscard]] bool uses_consumer_protocol() const { return protocol_type_ == "consumer"; }
  [[nodiscard]] bool can_rebalance() const { return may_follow(state_, classic_state::preparing_rebalance); }

  [[nodiscard]] const std::map<std::string, classic_member, std::less<>>& members() const { return members_; }
  [[nodiscard]] std::map<std::string, classic_member, std::less<>>& members() { return members_; }
  /// Null if there is none.
  [[nodiscard]] classic_member* find(std::string_view member);
  [[nodiscard]] const classic_member* find(std::string_view member) const;
  [[nodiscard]] std::optional<std::string> static_member(std::string_view instance) const;
  /// Whether that member may speak for that instance id: `unknown_member_id`, `fenced_instance_id`.
  [[nodiscard]] errc check_member(std::string_view member, const std::optional<std::string_view>& instance) const;

  classic_member& add(classic_member member, std::string_view protocol_type);
  void remove(std::string_view member);
  void update(classic_member& member, std::vector<member_protocol> protocols, std::int32_t rebalance_timeout_ms,
              std::int32_t session_timeout_ms);
  /// Gives a static member a new id; parked requests of the old one are answered `fenced_instance_id`.
  classic_member& replace_static(std::string_view instance, std::string_view old_id, std::string new_id);

  // KIP-394: ids that were given out and haven't joined yet.
  void add_pending(std::string member) { pending_.insert(std::move(member)); }
  [[nodiscard]] bool is_pending(std::string_view member) const { return pending_.contains(member); }
  [[nodiscard]] bool has_pending() const { return !pending_.empty(); }

  // Members of this generation whose SyncGroup hasn't come.
  [[nodiscard]] std::set<std::string, std::less<>>& pending_sync() { return pending_sync_; }

  [[nodiscard]] std::size_t awaiting_join_count() const;
  [[nodiscard]] bool all_joined() const { return pending_.empty() && awaiting_join_count() == members_.size(); }
  /// The longest of the members'.
  [[nodiscard]] std::int32_t rebalance_timeout_ms() const;

  [[nodiscard]] bool supports(std::string_view protocol_type, const std::vector<member_protocol>& protocols) const;
  /// The protocol with the most votes among those that all support. The group has members.
  [[nodiscard]] std::string select_protocol() const;
  /// Makes sure that the leader has joined: another who has takes its place. False if nobody has.
  bool elect_joined_leader();
  /// The next generation: completing a rebalance, or empty.
  void next_generation(std::int64_t wall_ms);

  /// Topics that the members consume, if the group is a consumer's and they can be told.
  [[nodiscard]] const std::optional<std::set<std::string, std::less<>>>& subscribed_topics() const {
    return subscribed_topics_;
  }
  [[nodiscard]] bool is_subscribed_to(std::string_view topic) const;

  /// The members as the leader is told of them.
  [[nodiscard]] std::vector<join_result::member> member_list() const;
  void answer_join(classic_member& member, join_result result);
  bool answer_sync(classic_member& member, sync_result result);

  /// A member has come during the initial delay (group.initial.rebalance.delay.ms), which is then prolonged.
  bool member_came = false;
  /// What is left of it, and the step that runs.
  std::int32_t initial_remaining_ms = 0;
  std::int32_t initial_delay_ms = 0;

 private:
  void count_votes(const classic_member& member, int by);
  void find_subscribed_topics();

  std::string id_;
  classic_state state_ = classic_state::empty;
  classic_state previous_ = classic_state::dead;
  std::optional<std::int64_t> state_since_ms_;
  std::int32_t generation_ = 0;
  std::optional<std::string> protocol_type_;
  std::optional<std::string> protocol_name_;
  std::optional<std::string> leader_;
  std::map<std::string, classic_member, std::less<>> members_;
  std::map<std::string, std::string, std::less<>> static_;
  std::set<std::string, std::less<>> pending_;
  std::set<std::string, std::less<>> pending_sync_;
  /// How many members support each protocol.
  std::map<std::string, std::size_t, std::less<>> supported_;
  std::optional<std::set<std::string, std::less<>>> subscribed_topics_;
};

}  // namespace moldau::coord
