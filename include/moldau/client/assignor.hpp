#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"
#include "moldau/core/topic_partition.hpp"

namespace moldau::client {

/// A group's members and generation, for those who commit in its name.
struct group_metadata {
  std::string group_id;
  /// -1: not a member now.
  std::int32_t generation = -1;
  std::string member_id;
  std::optional<std::string> instance_id;
};

/// What a member of a consumer group says of itself when it joins (Kafka's ConsumerProtocolSubscription).
struct member_subscription {
  std::vector<std::string> topics;
  /// Whatever its assignor wants the leader's assignor to know.
  std::optional<shared_bytes> user_data;
  /// What it holds while it joins: empty where partitions are given up first (`rebalance_protocol::eager`).
  std::vector<topic_partition> owned;
  /// In which it got them; -1 if it doesn't say.
  std::int32_t generation = -1;
  std::optional<std::string> rack;
  /// Of a static member; the group says it, not the member's bytes.
  std::optional<std::string> instance_id;
};

/// What the leader gives a member (Kafka's ConsumerProtocolAssignment).
struct member_assignment {
  std::vector<topic_partition> partitions;
  std::optional<shared_bytes> user_data;

  member_assignment() = default;
  member_assignment(std::vector<topic_partition> of) : partitions(std::move(of)) {}  // NOLINT: it mostly is just that
};

/// A topic as the leader knows it.
struct assignable_topic {
  /// By partition, the racks that hold a replica (KIP-881); empty sets where brokers have no racks.
  std::vector<std::set<std::string>> racks;

  [[nodiscard]] std::size_t partitions() const { return racks.size(); }
  [[nodiscard]] static assignable_topic of(std::size_t partitions) {
    return {std::vector<std::set<std::string>>(partitions)};
  }
};

/// Topics by name. One that nobody knows, or that has no partitions, isn't there.
using assignable_topics = std::map<std::string, assignable_topic>;
/// By member id.
using group_subscriptions = std::map<std::string, member_subscription>;
using group_assignments = std::map<std::string, member_assignment>;

/// Whether members give up everything before they join anew, or keep it and later give up what others get (KIP-429).
/// Cooperative is spoken only where every assignor that a member offers can.
enum class rebalance_protocol : std::uint8_t { eager, cooperative };

/// Divides a group's partitions among its members: Java's ConsumerPartitionAssignor.
///
/// A consumer offers one or more (`consumer_options::assignors`), the group picks one that every member offers, and
/// the group's leader runs it. All calls come on the consumer's I/O thread; an assignor belongs to one consumer.
///
///     class by_hand final : public assignor {
///       std::string_view name() const override { return "by-hand"; }
///       result<group_assignments> assign(const assignable_topics& topics, const group_subscriptions& of) override { …
///       }
///     };
class assignor {
 public:
  virtual ~assignor() = default;

  /// By which members agree on it. Must not change.
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual rebalance_protocol protocol() const { return rebalance_protocol::eager; }
  /// What to say to the leader when this member joins. Default: nothing.
  [[nodiscard]] virtual std::optional<shared_bytes> user_data(const std::set<std::string>& topics) {
    static_cast<void>(topics);
    return std::nullopt;
  }
  /// Called at the leader: divides the partitions of `topics`, which are all that members want and that exist, among
  /// `members`. A member that is left out gets nothing. With `cooperative`, a partition that another member still owns
  /// must not be given away before that one has given it up.
  /// Errors: any; the member fails with it.
  [[nodiscard]] virtual result<group_assignments> assign(const assignable_topics& topics,
                                                         const group_subscriptions& members) = 0;
  /// Called at each member when it has got its part.
  virtual void on_assignment(const member_assignment& assigned, const group_metadata& of) {
    static_cast<void>(assigned);
    static_cast<void>(of);
  }
};

/// Of each topic a range for every member that wants it, the first ones one more; equal ranges of topics with the same
/// number of partitions. Java's RangeAssignor ("range"), racks included.
[[nodiscard]] std::shared_ptr<assignor> range_assignor();
/// Partition by partition in turn. Java's RoundRobinAssignor ("roundrobin").
[[nodiscard]] std::shared_ptr<assignor> round_robin_assignor();
/// Balanced, and everyone keeps as much as possible. Java's StickyAssignor ("sticky"), eager.
[[nodiscard]] std::shared_ptr<assignor> sticky_assignor();
/// The same without stopping whoever keeps what he has. Java's CooperativeStickyAssignor ("cooperative-sticky").
[[nodiscard]] std::shared_ptr<assignor> cooperative_sticky_assignor();
/// By one of those names, or by Java's class names ("org.apache.kafka.clients.consumer.RangeAssignor"); null for
/// others.
[[nodiscard]] std::shared_ptr<assignor> assignor_by_name(std::string_view name);

}  // namespace moldau::client
