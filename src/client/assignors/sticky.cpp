#include "client/assignors/sticky.hpp"

#include <algorithm>

#include "bytes/endian.hpp"
#include "client/group_protocol.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

namespace moldau::client {
namespace {

using assignors::sticky_claim;
using assignors::sticky_claims;
using assignors::sticky_problem;

group_assignments named(const sticky_problem& of, const assignors::sticky_solution& solution) {
  group_assignments out;
  for (std::size_t m = 0; m < of.members.size(); ++m) {
    auto& list = out[of.members[m].id].partitions;
    for (const std::size_t p : solution.given[m]) list.push_back(of.named(p));
  }
  return out;
}

assignors::sticky_solution divide(const sticky_problem& of) {
  return of.all_want_the_same ? assignors::divide_alike(of) : assignors::divide_unlike(of);
}

/// StickyAssignor's own words to its leader: previous_assignment [topic [partition]], and from version 1 the
/// generation. Versions aren't numbered in the bytes: a reader tries the newer one first.
shared_bytes encode_previous(const std::vector<topic_partition>& partitions, std::int32_t generation) {
  std::map<std::string_view, std::vector<partition_id>> by_topic;
  for (const topic_partition& p : partitions) by_topic[p.topic].push_back(p.partition);
  std::size_t size = 8;
  for (const auto& [topic, numbers] : by_topic) size += 2 + topic.size() + 4 + 4 * numbers.size();
  shared_bytes out = shared_bytes::allocate(size);
  wire::writer to(out.writable());
  to.i32(static_cast<std::int32_t>(by_topic.size()));
  for (const auto& [topic, numbers] : by_topic) {
    to.string(topic, false);
    to.i32(static_cast<std::int32_t>(numbers.size()));
    for (const partition_id number : numbers) to.i32(number.value());
  }
  to.i32(generation);
  return out;
}

sticky_claim decode_previous(bytes_view bytes) {
  sticky_claim out;
  wire::reader in(bytes);
  const std::size_t topics = in.array_count(false, 6, sizeof(topic_partition));
  for (std::size_t t = 0; t < topics && in.ok(); ++t) {
    const std::string topic(in.string(false));
    const std::size_t count = in.array_count(false, 4, sizeof(topic_partition));
    for (std::size_t i = 0; i < count && in.ok(); ++i) out.partitions.push_back({topic, partition_id(in.i32())});
  }
  // What can't be read is a member that holds nothing.
  if (!in.ok()) return {.partitions = {}, .generation = -1, .has_generation = true};
  if (in.remaining() >= 4) {
    out.generation = in.i32();
    out.has_generation = true;
  }
  return out;
}

class sticky final : public assignor {
 public:
  [[nodiscard]] std::string_view name() const override { return "sticky"; }

  [[nodiscard]] std::optional<shared_bytes> user_data(const std::set<std::string>& topics) override {
    static_cast<void>(topics);
    if (!assigned_) return std::nullopt;
    return encode_previous(*assigned_, generation_);
  }

  [[nodiscard]] result<group_assignments> assign(const assignable_topics& topics,
                                                 const group_subscriptions& members) override {
    sticky_claims claims;
    for (const auto& [id, member] : members) {
      if (member.user_data && !member.user_data->empty()) claims[id] = decode_previous(*member.user_data);
    }
    const sticky_problem problem = assignors::make_problem(topics, members, claims);
    return named(problem, divide(problem));
  }

  void on_assignment(const member_assignment& assigned, const group_metadata& of) override {
    assigned_ = assigned.partitions;
    generation_ = of.generation;
  }

 private:
  std::optional<std::vector<topic_partition>> assigned_;
  std::int32_t generation_ = -1;
};

class cooperative_sticky final : public assignor {
 public:
  [[nodiscard]] std::string_view name() const override { return "cooperative-sticky"; }
  [[nodiscard]] rebalance_protocol protocol() const override { return rebalance_protocol::cooperative; }

  /// The generation, for leaders that don't read it from the subscription itself (before its version 2).
  [[nodiscard]] std::optional<shared_bytes> user_data(const std::set<std::string>& topics) override {
    static_cast<void>(topics);
    shared_bytes out = shared_bytes::allocate(4);
    bytes::store_be(out.writable().data(), generation_);
    return out;
  }

  [[nodiscard]] result<group_assignments> assign(const assignable_topics& topics,
                                                 const group_subscriptions& members) override {
    sticky_claims claims;
    for (const auto& [id, member] : members) claims[id] = claim_of(member);
    const sticky_problem problem = assignors::make_problem(topics, members, claims);
    const auto solution = divide(problem);
    group_assignments out = named(problem, solution);
    if (problem.all_want_the_same) {
      for (const auto& [partition, member] : solution.moving) {
        std::erase(out[problem.members[member].id].partitions, problem.named(partition));
      }
    } else {
      hold_back_what_moves(out, members);
    }
    return out;
  }

  void on_assignment(const member_assignment&, const group_metadata& of) override { generation_ = of.generation; }

 private:
  static sticky_claim claim_of(const member_subscription& member) {
    if (member.generation >= 0) return {member.owned, member.generation, true};
    if (!member.user_data) return {member.owned, -1, false};
    const bool has_it = member.user_data->size() >= 4;
    return {member.owned, has_it ? bytes::load_be<std::int32_t>(member.user_data->data()) : -1, true};
  }

  /// KIP-429: what one member still owns is given to another only once it has been given up, in the next round.
  static void hold_back_what_moves(group_assignments& given, const group_subscriptions& members) {
    std::set<topic_partition> given_up;
    for (const auto& [id, assignment] : given) {
      const std::set<topic_partition> has(assignment.partitions.begin(), assignment.partitions.end());
      for (const topic_partition& owned : members.at(id).owned) {
        if (!has.contains(owned)) given_up.insert(owned);
      }
    }
    for (auto& [id, assignment] : given) {
      const auto& owned = members.at(id).owned;
      std::erase_if(assignment.partitions, [&](const topic_partition& p) {
        return given_up.contains(p) && std::ranges::find(owned, p) == owned.end();
      });
    }
  }

  std::int32_t generation_ = -1;
};

}  // namespace

std::shared_ptr<assignor> sticky_assignor() {
  return std::make_shared<sticky>();
}

std::shared_ptr<assignor> cooperative_sticky_assignor() {
  return std::make_shared<cooperative_sticky>();
}

std::shared_ptr<assignor> assignor_by_name(std::string_view name) {
  constexpr std::string_view package = "org.apache.kafka.clients.consumer.";
  if (name.starts_with(package)) name.remove_prefix(package.size());
  if (name == "range" || name == "RangeAssignor") return range_assignor();
  if (name == "roundrobin" || name == "RoundRobinAssignor") return round_robin_assignor();
  if (name == "sticky" || name == "StickyAssignor") return sticky_assignor();
  if (name == "cooperative-sticky" || name == "CooperativeStickyAssignor") return cooperative_sticky_assignor();
  return nullptr;
}

}  // namespace moldau::client
