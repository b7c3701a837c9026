#include "metadata/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace moldau::metadata {

namespace {

bool all_cordoned(const broker_registration& b) {
  if (!b.cordoned_directories || b.directories.empty()) return false;
  return std::ranges::all_of(b.directories, [&](const directory_id& d) {
    return std::ranges::find(*b.cordoned_directories, d) != b.cordoned_directories->end();
  });
}

}  // namespace

broker_id replica_placer::broker_list::next(std::size_t current_epoch) {
  if (brokers.empty()) return no_broker;
  if (epoch != current_epoch) {
    epoch = current_epoch;
    index = 0;
    offset = (offset + 1) % brokers.size();
  }
  if (index >= brokers.size()) return no_broker;
  return brokers[(index++ + offset) % brokers.size()];
}

broker_id replica_placer::rack::next(std::size_t epoch) {
  const broker_id found = unfenced.next(epoch);
  return found != no_broker ? found : fenced.next(epoch);
}

replica_placer::replica_placer(const image& from, std::function<std::uint64_t()> random) : random_(std::move(random)) {
  std::map<std::optional<std::string>, rack> racks;
  for (const auto& [id, b] : *from.brokers) {
    if (all_cordoned(*b)) continue;
    ++brokers_;
    rack& r = racks[b->rack];
    if (!b->fenced) ++unfenced_;
    (b->fenced ? r.fenced : r.unfenced).brokers.push_back(id);
  }
  for (auto& [name, r] : racks) {
    for (broker_list* list : {&r.fenced, &r.unfenced}) {
      if (!list->brokers.empty()) list->offset = below(list->brokers.size());
    }
    racks_.push_back(std::move(r));
  }
  if (!racks_.empty()) offset_ = below(racks_.size());
}

std::size_t replica_placer::below(std::size_t bound) {
  return static_cast<std::size_t>(random_() % bound);
}

template <typename T>
void replica_placer::shuffle(std::vector<T>& list) {
  for (std::size_t left = list.size(); left > 1; --left) std::swap(list[left - 1], list[below(left)]);
}

void replica_placer::shuffle() {
  shuffle(racks_);
  for (rack& r : racks_) {
    shuffle(r.fenced.brokers);
    shuffle(r.unfenced.brokers);
  }
}

result<std::vector<broker_id>> replica_placer::place(std::int32_t replication_factor) {
  if (replication_factor <= 0) {
    return fail(
        errc::invalid_replication_factor,
        fmt::format("Invalid replication factor {}: the replication factor must be positive.", replication_factor));
  }
  if (unfenced_ == 0) return fail(errc::invalid_replication_factor, "All brokers are currently fenced.");
  if (static_cast<std::size_t>(replication_factor) > brokers_) {
    return fail(errc::invalid_replication_factor,
                fmt::format("The target replication factor of {} cannot be reached because only {} broker(s) are "
                            "registered or some brokers have all their log directories cordoned.",
                            replication_factor, brokers_));
  }
  // Once there are as many placements as unfenced brokers, all that follow would repeat them.
  if (epoch_ == unfenced_ && unfenced_ > 1) {
    shuffle();
    epoch_ = 0;
  }
  if (offset_ == racks_.size()) offset_ = 0;

  std::vector<broker_id> out;
  std::size_t first = offset_;
  while (true) {
    const broker_id leader = racks_[first].unfenced.next(epoch_);
    if (leader != no_broker) {
      out.push_back(leader);
      break;
    }
    first = (first + 1) % racks_.size();
  }
  // The leader's rack is passed over in the first round only.
  std::size_t at = offset_;
  bool leader_rack_passed = false;
  while (out.size() < static_cast<std::size_t>(replication_factor)) {
    broker_id found = no_broker;
    if (at == first && !leader_rack_passed) {
      leader_rack_passed = true;
    } else {
      found = racks_[at].next(epoch_);
    }
    at = (at + 1) % racks_.size();
    if (found != no_broker) out.push_back(found);
  }
  ++epoch_;
  ++offset_;
  return out;
}

}  // namespace moldau::metadata
