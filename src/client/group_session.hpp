#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cluster.hpp"
#include "client/group_membership.hpp"
#include "moldau/client/assignor.hpp"
#include "moldau/client/group_member.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/task.hpp"
#include "wire/protocol/join_group_response.hpp"

namespace moldau::client {

/// What a group session asks of whoever it joins for. Called on the client's thread, one call at a time but for `lost`.
class group_user {
 public:
  virtual ~group_user() = default;

  /// A round begins: gives up what has to be given up before this member may join. May take its time (up to the
  /// rebalance timeout); heartbeats go on meanwhile.
  virtual rt::task<void> prepare() = 0;
  /// What it held may be somebody else's already.
  virtual rt::task<void> lost() = 0;
  [[nodiscard]] virtual std::vector<group_protocol> protocols() = 0;
  /// This member leads: gives every member its part, by member id.
  virtual rt::task<result<std::map<std::string, shared_bytes>>> lead(std::string protocol,
                                                                     std::vector<group_peer> members) = 0;
  /// This member took the place of one that led (KIP-814): everybody keeps the part that he has.
  virtual rt::task<void> lead_on(std::vector<group_peer>) { co_return; }
  virtual rt::task<result<void>> joined(std::string protocol, bool is_leader, shared_bytes part) = 0;
  /// The membership has failed for good, or until it is started anew.
  virtual void failed(const error& why) = 0;
};

/// Carries out what `group_membership` says, over the network: one member of one classic group.
///
/// Lives on the client's thread. Its tasks hold the user (`keep`) until `stop`.
class group_session : public std::enable_shared_from_this<group_session> {
 public:
  struct options {
    std::string group_id;
    std::optional<std::string> instance_id;
    std::string protocol_type;
    std::int64_t session_timeout_ms = 0;
    std::int64_t rebalance_timeout_ms = 0;
    std::int64_t heartbeat_interval_ms = 0;
    /// The longest between two `on_poll`; as good as never for users that needn't show themselves.
    std::int64_t poll_interval_max_ms = 0;
  };

  group_session(std::shared_ptr<cluster> of, options chosen, group_user& user);

  /// Begins to join, and stays a member from then on. Once, or again after it has failed: false while what ran before
  /// hasn't ended yet.
  bool start(std::shared_ptr<void> keep);
  /// Does nothing more; `leave` and commits can still be called.
  void stop();
  /// Waits until nothing of it runs any more.
  rt::task<void> stopped() {
    if (running_.running() > 0) co_await running_.drained();
  }

  void on_poll();
  void rejoin(std::string reason);
  /// Says goodbye, unless this member is a static one that is to find its place again. One attempt.
  rt::task<void> leave(std::string reason, bool even_if_static);

  [[nodiscard]] const group_membership& membership() const { return membership_; }
  [[nodiscard]] group_metadata metadata() const;
  /// A commit in this member's name was refused.
  void on_commit_refused(errc code, const group_membership::identity& of);

 private:
  rt::task<void> run(std::shared_ptr<void> keep);
  rt::task<void> beat(std::shared_ptr<void> keep);
  rt::task<void> join();
  rt::task<void> sync(std::string protocol, std::optional<std::vector<group_peer>> members);
  rt::task<void> heartbeat();
  void unreachable(const error& why);
  void answered(errc code);
  void fail_with(const error& why);
  rt::task<void> wait_for_news(rt::event& news);
  [[nodiscard]] std::int64_t round_timeout_ms() const;
  [[nodiscard]] bool is_over() const { return stopped_ || failed_; }

  std::shared_ptr<cluster> cluster_;
  const options options_;
  group_user& user_;
  group_membership membership_;
  rt::gate running_;
  rt::event run_news_;
  rt::event beat_news_;
  bool stopped_ = false;
  bool failed_ = false;
};

}  // namespace moldau::client
