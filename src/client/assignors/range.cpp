#include <algorithm>
#include <functional>

#include "client/assignors/members.hpp"

namespace moldau::client {
namespace {

using assignors::ordered_member;

/// One topic while its partitions are being given away.
class topic_state {
 public:
  topic_state(const std::string& name, const assignable_topic& topic, const std::vector<ordered_member>& all)
      : name_(name), topic_(topic), is_free_(topic.partitions(), true), free_(topic.partitions()) {
    std::set<std::string> racks;
    for (const ordered_member& member : all) {
      if (!assignors::wants(*member.subscription, name)) continue;
      members_.push_back({&member});
      if (const auto* rack = assignors::rack_of(*member.subscription)) racks.insert(*rack);
    }
    if (members_.empty()) return;
    share_ = topic.partitions() / members_.size();
    with_one_more_ = topic.partitions() % members_.size();
    has_racks_ = !racks.empty();
    racks_matter_ = has_racks_ && assignors::racks_matter(racks, topic.racks);
  }

  struct taker {
    const ordered_member* member = nullptr;
    std::size_t has = 0;
  };

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t partitions() const { return topic_.partitions(); }
  [[nodiscard]] bool racks_matter() const { return racks_matter_; }
  /// Whether any of its members has a rack.
  [[nodiscard]] bool has_racks() const { return has_racks_; }
  [[nodiscard]] std::vector<taker>& members() { return members_; }
  [[nodiscard]] std::size_t room_of(const taker& member) const {
    const std::size_t most = share_ + (with_one_more_ > 0 ? 1 : 0);
    return most > member.has ? most - member.has : 0;
  }
  [[nodiscard]] bool rack_matches(const taker& member, std::size_t partition) const {
    const std::string* rack = assignors::rack_of(*member.member->subscription);
    return rack == nullptr || topic_.racks[partition].contains(*rack);
  }
  /// The same members with the same racks, and as many partitions.
  [[nodiscard]] bool is_like(const topic_state& other) const {
    return partitions() == other.partitions() &&
           std::ranges::equal(members_, other.members_, {}, &taker::member, &taker::member);
  }

  /// To each member in turn as many as it may have, the lowest first.
  void give_ranges(bool matching_only, group_assignments& out) {
    for (taker& member : members_) {
      if (free_ == 0) return;
      std::vector<std::size_t> chosen;
      const std::size_t room = room_of(member);
      for (std::size_t p = 0; p < is_free_.size() && chosen.size() < room; ++p) {
        if (is_free_[p] && (!matching_only || rack_matches(member, p))) chosen.push_back(p);
      }
      give(member, chosen, out);
    }
  }
  void give(taker& to, const std::vector<std::size_t>& chosen, group_assignments& out) {
    if (chosen.empty()) return;
    auto& list = out[*to.member->id].partitions;
    for (const std::size_t p : chosen) {
      list.push_back({name_, partition_id(static_cast<std::int32_t>(p))});
      is_free_[p] = false;
    }
    free_ -= chosen.size();
    to.has += chosen.size();
    if (to.has > share_) --with_one_more_;
  }

 private:
  const std::string& name_;
  const assignable_topic& topic_;
  std::vector<taker> members_;
  std::vector<bool> is_free_;
  std::size_t free_;
  std::size_t share_ = 0;
  std::size_t with_one_more_ = 0;
  bool has_racks_ = false;
  bool racks_matter_ = false;
};

/// Topics that are divided alike stay alike: partition n of each goes to one member, whose rack holds all of them.
void give_together(const std::vector<topic_state*>& topics, group_assignments& out) {
  std::vector<bool> is_full(topics.front()->members().size(), false);
  for (std::size_t p = 0; p < topics.front()->partitions(); ++p) {
    for (std::size_t m = 0; m < is_full.size(); ++m) {
      const auto suits = [&](topic_state* t) {
        return t->rack_matches(t->members()[m], p) && t->room_of(t->members()[m]) > 0;
      };
      if (is_full[m] || !std::ranges::all_of(topics, suits)) continue;
      for (topic_state* t : topics) t->give(t->members()[m], {p}, out);
      is_full[m] = std::ranges::none_of(topics, [&](topic_state* t) { return t->room_of(t->members()[m]) > 0; });
      break;
    }
  }
}

class range final : public assignor {
 public:
  [[nodiscard]] std::string_view name() const override { return "range"; }

  [[nodiscard]] result<group_assignments> assign(const assignable_topics& topics,
                                                 const group_subscriptions& members) override {
    const auto order = assignors::in_order(members);
    group_assignments out;
    for (const auto& [id, subscription] : members) out[id];
    std::vector<topic_state> states;
    states.reserve(topics.size());
    for (const auto& [topic, known] : topics) {
      if (known.partitions() > 0) states.emplace_back(topic, known, order);
    }
    const bool by_rack = std::ranges::any_of(states, &topic_state::racks_matter);
    if (by_rack) give_by_rack(states, out);
    for (topic_state& topic : states) topic.give_ranges(false, out);
    if (by_rack) {
      for (auto& [id, given] : out) std::ranges::sort(given.partitions);
    }
    return out;
  }

 private:
  static void give_by_rack(std::vector<topic_state>& states, group_assignments& out) {
    std::vector<bool> done(states.size(), false);
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (done[i]) continue;
      std::vector<topic_state*> alike;
      for (std::size_t j = i; j < states.size(); ++j) {
        if (done[j] || !states[j].is_like(states[i])) continue;
        done[j] = true;
        alike.push_back(&states[j]);
      }
      if (alike.size() > 1) {
        if (alike.front()->has_racks()) give_together(alike, out);
      } else if (states[i].racks_matter()) {
        states[i].give_ranges(true, out);
      }
    }
  }
};

}  // namespace

std::shared_ptr<assignor> range_assignor() {
  return std::make_shared<range>();
}

}  // namespace moldau::client
