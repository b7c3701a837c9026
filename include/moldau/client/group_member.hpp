#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moldau/client/assignor.hpp"
#include "moldau/client/options.hpp"
#include "moldau/core/async.hpp"
#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"

namespace moldau::client {

/// A way to divide the group's work that a member offers, and what it says of itself in it: bytes that only the
/// group's own kind understands.
struct group_protocol {
  std::string name;
  shared_bytes metadata;
};

/// A member as the leader sees it.
struct group_peer {
  std::string id;
  std::optional<std::string> instance_id;
  shared_bytes metadata;
};

/// What the group gave this member.
struct group_part {
  std::string protocol;
  bool is_leader = false;
  /// What the leader wrote for it; empty if it wrote nothing.
  shared_bytes bytes;
  group_metadata of;
};

/// What a kind of group does in each round: Java's AbstractCoordinator.
///
/// Called on the client's I/O thread, one call at a time; nothing may block there. After `close` nothing is called.
class group_work {
 public:
  virtual ~group_work() = default;

  /// What to offer when joining, best first. Asked at each round.
  [[nodiscard]] virtual std::vector<group_protocol> protocols() = 0;
  /// This member was chosen to lead: gives every member its part, by member id. One left out gets empty bytes.
  /// Errors: retriable ones begin the round anew, others end the membership.
  [[nodiscard]] virtual result<std::map<std::string, shared_bytes>> lead(const std::string& protocol,
                                                                         const std::vector<group_peer>& members) = 0;
  /// The round is over. Errors end the membership.
  virtual result<void> joined(const group_part& part) = 0;
  /// A round begins: what this member holds is to be given up, as far as the protocol wants it. The group waits for
  /// the async, up to the rebalance timeout. Default: at once.
  virtual async<void> revoke(const group_metadata& of);
  /// The group went on without this member: what it held may be somebody else's already.
  virtual void lost(const group_metadata& of) { static_cast<void>(of); }
  /// The membership has ended by itself.
  virtual void failed(const error& why) { static_cast<void>(why); }
};

struct group_member_options {
  client_options client;
  /// No default. `group.id`
  std::string group_id;
  /// A member that keeps its place over a restart. Default: none. `group.instance.id`
  std::optional<std::string> instance_id;
  /// What kind of group it is: "consumer", "connect", your own. No default.
  std::string protocol_type;
  /// A member that isn't heard of for so long is out, in ms. Default: 45000. `session.timeout.ms`
  std::int64_t session_timeout_ms = 45'000;
  /// How long a round waits for a member, in ms. Default: 60000. `rebalance.timeout.ms`
  std::int64_t rebalance_timeout_ms = 60'000;
  /// In ms. Default: 3000. `heartbeat.interval.ms`
  std::int64_t heartbeat_interval_ms = 3'000;
};

/// A member of a group of any kind: joins, leads when it is chosen, keeps alive by itself, joins again in each round.
/// What consumers, Connect's workers and schema registries build on.
///
/// Any thread may call. Closed by `close` or the destructor, which leave the group (a static member stays in it).
///
///     class worker final : public group_work { … };
///     auto member = group_member::make({.client = {.bootstrap_servers = {"localhost:9092"}}, .group_id = "workers",
///                                       .protocol_type = "connect"}, std::make_shared<worker>()).value();
///     member.join().get().value();   // the first round is over, `worker::joined` has been called
class group_member {
 public:
  /// Errors: `errc::invalid_argument`, with all that is wrong in the options.
  [[nodiscard]] static result<group_member> make(group_member_options options, std::shared_ptr<group_work> work);

  group_member(group_member&&) noexcept;
  group_member& operator=(group_member&&) noexcept;
  ~group_member();

  /// Joins, if it hasn't yet; ready when a round has ended with this member in it.
  /// Errors: what ended the membership (`group_authorization_failed`, `inconsistent_group_protocol`,
  /// `fenced_instance_id` ...), `closed`. Joining again begins anew.
  async<void> join();
  /// Has the group divide its work anew; ready at once. `reason` is shown in the broker's log (KIP-800).
  async<void> rejoin(std::string reason);
  /// Who this member is now; generation -1 while it isn't one.
  async<group_metadata> metadata();
  /// Commits offsets in the name of this generation. Errors: `illegal_generation`, `unknown_member_id` (the group has
  /// gone on without this member), `fenced_instance_id`, `rebalance_in_progress`.
  async<void> commit(std::map<topic_partition, struct committed_offset> offsets);
  /// What it has counted up to now; every `client.statistics_interval_ms` it goes to `client.on_statistics` as well.
  async<client::statistics> statistics();
  /// Leaves and ends; nothing of `work` is called any more once it is ready.
  async<void> close();

  class impl;

 private:
  explicit group_member(std::shared_ptr<impl> body);
  std::shared_ptr<impl> impl_;
};

}  // namespace moldau::client
