#include "metadata/partition_change.hpp"

#include <algorithm>
#include <utility>

#include "metadata/records.hpp"
#include "wire/metadata/partition_change_record.hpp"

namespace moldau::metadata {

namespace {

using broker_list = std::vector<broker_id>;

/// What a record holds while the leader stays.
constexpr broker_id no_leader_change{-2};
/// `LeaderRecoveryState.RECOVERING`
constexpr std::int8_t recovering = 1;

bool contains(const broker_list& list, broker_id id) {
  return std::ranges::find(list, id) != list.end();
}

/// Works on the target state step by step, in Kafka's order: the election depends on the ELR, the record's ELR on the
/// election.
class builder {
 public:
  explicit builder(const partition_change& change)
      : change_(change), before_(*change.before), isr_(change.isr), elr_(before_.eligible_leader_replicas) {}

  std::optional<shared_bytes> build() {
    record_.topic_id = change_.topic;
    record_.partition_id = before_.id;
    choose_eligible();
    elect();
    write_eligible();
    if (!record_.isr && (!isr_.empty() || change_.elr) && isr_ != before_.isr) record_.isr = isr_;
    if (has_directories(change_.metadata_version) && change_.directories &&
        *change_.directories != before_.directories) {
      record_.directories = change_.directories;
    }
    bump_epoch_of_old_versions();
    write_last_known_leader();
    if (unchanged()) return std::nullopt;
    return encode_record(record_, partition_change_record_version(change_.metadata_version));
  }

 private:
  void choose_eligible() {
    if (!change_.elr) return;
    if (isr_.size() >= static_cast<std::size_t>(std::max(change_.min_insync_replicas, 0))) {
      elr_.clear();
      return;
    }
    // Whoever leaves the ISR below its minimum has all that was acknowledged, unless it was killed.
    broker_list candidates = elr_;
    for (const broker_id id : before_.isr) {
      if (!contains(candidates, id)) candidates.push_back(id);
    }
    std::ranges::sort(candidates);
    elr_.clear();
    for (const broker_id id : candidates) {
      if (!contains(isr_, id) && id != change_.unclean) elr_.push_back(id);
    }
  }

  [[nodiscard]] bool may_lead(broker_id id) const {
    return (contains(isr_, id) || (isr_.empty() && contains(elr_, id))) && change_.acceptable(id);
  }

  /// The leader, and whether it may lack acknowledged records.
  [[nodiscard]] std::pair<broker_id, bool> election() const {
    if (may_lead(before_.leader)) return {before_.leader, false};
    for (const broker_id id : before_.replicas) {
      if (may_lead(id)) return {id, false};
    }
    const auto& last_known = before_.last_known_eligible_leader_replicas;
    if (change_.elr && elr_.empty() && isr_.empty() && last_known.size() == 1 && change_.acceptable(last_known[0])) {
      return {last_known[0], true};
    }
    if (change_.unclean_election) {
      for (const broker_id id : before_.replicas) {
        if (change_.acceptable(id)) return {id, true};
      }
    }
    return {no_broker, false};
  }

  void elect() {
    const auto [leader, unclean] = election();
    if (leader == before_.leader) return;
    if (contains(elr_, leader)) {
      isr_ = {leader};
      std::erase(elr_, leader);
    }
    record_.leader = leader;
    if (unclean) {
      record_.isr = broker_list{leader};
      if (!before_.recovering) record_.leader_recovery_state = recovering;
    }
  }

  void write_eligible() {
    if (record_.isr || !change_.elr) elr_.clear();
    if (elr_ != before_.eligible_leader_replicas) record_.eligible_leader_replicas = elr_;
  }

  /// KAFKA-15021: before 3.6-IV0 (level 12) brokers counted on a new epoch when the ISR shrank.
  void bump_epoch_of_old_versions() {
    constexpr std::int16_t no_longer_needed = 12;
    if (change_.metadata_version >= no_longer_needed || record_.leader != no_leader_change || !record_.isr) return;
    const bool shrank = std::ranges::any_of(before_.isr, [&](broker_id id) { return !contains(*record_.isr, id); });
    if (shrank) record_.leader = before_.leader;
  }

  void write_last_known_leader() {
    if (!change_.elr) return;
    const auto& last_known = before_.last_known_eligible_leader_replicas;
    if (record_.isr && record_.isr->empty() && (last_known.size() != 1 || last_known[0] != before_.leader)) {
      // Only when the partition loses its leader: later on there is none to remember.
      record_.last_known_elr = broker_list{before_.leader};
    } else if (!last_known.empty() &&
               (record_.leader.value() >= 0 || (before_.leader != no_broker && record_.leader != no_broker))) {
      record_.last_known_elr = broker_list{};
    }
  }

  [[nodiscard]] bool unchanged() const {
    return !record_.isr && record_.leader == no_leader_change && !record_.eligible_leader_replicas &&
           !record_.last_known_elr && record_.leader_recovery_state < 0 && !record_.directories;
  }

  const partition_change& change_;
  const partition& before_;
  broker_list isr_;
  broker_list elr_;
  wire::metadata::partition_change_record record_;
};

}  // namespace

std::optional<shared_bytes> partition_change::build() const {
  return builder(*this).build();
}

}  // namespace moldau::metadata
