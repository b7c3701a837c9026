#include "client/assignors/members.hpp"

namespace moldau::client {
namespace {

class round_robin final : public assignor {
 public:
  [[nodiscard]] std::string_view name() const override { return "roundrobin"; }

  [[nodiscard]] result<group_assignments> assign(const assignable_topics& topics,
                                                 const group_subscriptions& members) override {
    const auto order = assignors::in_order(members);
    group_assignments out;
    for (const auto& [id, subscription] : members) out[id];
    std::size_t next = 0;
    for (const auto& [topic, known] : topics) {
      const auto is_wanted = [&](const assignors::ordered_member& m) {
        return assignors::wants(*m.subscription, topic);
      };
      if (std::ranges::none_of(order, is_wanted)) continue;
      for (std::size_t p = 0; p < known.partitions(); ++p) {
        while (!is_wanted(order[next])) next = (next + 1) % order.size();
        out[*order[next].id].partitions.push_back({topic, partition_id(static_cast<std::int32_t>(p))});
        next = (next + 1) % order.size();
      }
    }
    return out;
  }
};

}  // namespace

std::shared_ptr<assignor> round_robin_assignor() {
  return std::make_shared<round_robin>();
}

}  // namespace moldau::client
