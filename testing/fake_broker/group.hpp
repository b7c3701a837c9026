#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "moldau/core/errc.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/topic_partition.hpp"
#include "rt/world.hpp"

namespace moldau::testing::fake {

struct committed_value {
  moldau::offset offset;
  moldau::leader_epoch epoch = no_leader_epoch;
  std::optional<std::string> metadata;
};

/// One group by the classic protocol: members come and go, a leader shares out. Time comes in as an argument; nothing
/// here waits: who has to wait asks again when something has changed or `next_event` has come.
class group {
 public:
  enum class phase : std::uint8_t { empty, preparing, completing, stable };

  struct member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    rt::duration session{};
    rt::duration rebalance{};
    std::vector<std::pair<std::string, std::string>> protocols;
    std::string assignment;
    rt::time_point heard;
    /// Waits for the round to be complete.
    bool joining = false;
    bool synced = false;
  };

  struct join_request {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::string client_id;
    rt::duration session{};
    rt::duration rebalance{};
    std::string protocol_type;
    std::vector<std::pair<std::string, std::string>> protocols;
    /// KIP-394: a new member is given its id first and comes again with it.
    bool must_know_id = false;
    std::string id_if_new;
  };
  struct join_answer {
    errc code = errc::none;
    std::string member_id;
    /// Whoever isn't answered yet asks `joined` until the generation is above this.
    bool waits = false;
    std::int32_t after_generation = 0;
    /// KIP-814: a static leader came back and has nothing to share out.
    bool skip_assignment = false;
  };
  [[nodiscard]] join_answer join(const join_request& by, rt::time_point now, rt::duration first_delay);
  /// The same member later.
  [[nodiscard]] join_answer joined(const join_answer& before) const;

  /// Nothing: ask again.
  [[nodiscard]] std::optional<errc> sync(const std::string& member_id, const std::optional<std::string>& instance_id,
                                         std::int32_t generation,
                                         const std::vector<std::pair<std::string, std::string>>& assignments,
                                         rt::time_point now);
  [[nodiscard]] errc heartbeat(const std::string& member_id, const std::optional<std::string>& instance_id,
                               std::int32_t generation, rt::time_point now);
  [[nodiscard]] errc leave(const std::string& member_id, const std::optional<std::string>& instance_id,
                           rt::time_point now);
  /// Whether it may commit.
  [[nodiscard]] errc may_commit(const std::string& member_id, const std::optional<std::string>& instance_id,
                                std::int32_t generation, rt::time_point now);

  /// Members whose session is over go, rounds whose time is over end.
  void tick(rt::time_point now);
  /// When `tick` has something to do, if no request comes before.
  [[nodiscard]] std::optional<rt::time_point> next_event() const;
  /// A new round.
  void rebalance(rt::time_point now);
  void remove(const std::string& member_id, rt::time_point now);

  [[nodiscard]] phase now_in() const { return phase_; }
  [[nodiscard]] std::string_view state_name() const;
  [[nodiscard]] std::int32_t generation() const { return generation_; }
  [[nodiscard]] const std::string& protocol() const { return protocol_; }
  [[nodiscard]] const std::string& protocol_type() const { return protocol_type_; }
  [[nodiscard]] const std::string& leader() const { return leader_; }
  [[nodiscard]] const std::map<std::string, member>& members() const { return members_; }
  /// What that member says of itself under the chosen protocol.
  [[nodiscard]] std::string metadata_of(const member& who) const;

  std::map<topic_partition, committed_value> offsets;

 private:
  [[nodiscard]] errc check(const std::string& member_id, const std::optional<std::string>& instance_id) const;
  [[nodiscard]] bool supports(const join_request& by, const std::string& except) const;
  void complete_if_all_joined(rt::time_point now);
  void complete(rt::time_point now);
  void choose_protocol();

  phase phase_ = phase::empty;
  std::int32_t generation_ = 0;
  std::string protocol_type_;
  std::string protocol_;
  std::string leader_;
  std::map<std::string, member> members_;
  std::set<std::string> promised_ids_;
  /// Of the round: no earlier, no later.
  rt::time_point earliest_;
  rt::time_point latest_;
};

}  // namespace moldau::testing::fake
