#include <algorithm>
#include <charconv>

#include "metadata/controller.hpp"
#include "metadata/partition_change.hpp"
#include "metadata/records.hpp"

namespace moldau::metadata {

namespace {

bool may_be_online(const broker_registration& broker, const directory_id& directory) {
  if (directory == unassigned_directory || directory == migrating_directory || broker.directories.empty()) return true;
  return std::ranges::find(broker.directories, directory) != broker.directories.end();
}

}  // namespace

bool controller::elr_enabled() const {
  return has_eligible_leader_replicas(metadata_version()) &&
         latest_.feature_level("eligible.leader.replicas.version") > 0;
}

std::int32_t controller::min_insync_replicas(const topic& t, std::size_t replicas) const {
  constexpr std::string_view name = "min.insync.replicas";
  std::int32_t out = options_.config->int32(name);
  for (const config_map* level : {&latest_.config_of(config_resource_type::topic, t.name),
                                  &latest_.config_of(config_resource_type::broker, "")}) {
    const auto it = level->find(name);
    if (it == level->end()) continue;
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), out);
    break;
  }
  return std::min(out, static_cast<std::int32_t>(replicas));
}

bool controller::unclean_elections(const topic& t) const {
  constexpr std::string_view name = "unclean.leader.election.enable";
  for (const config_map* level : {&latest_.config_of(config_resource_type::topic, t.name),
                                  &latest_.config_of(config_resource_type::broker, "")}) {
    if (const auto it = level->find(name); it != level->end()) return it->second == "true";
  }
  return options_.config->boolean(name);
}

void controller::change_leaders(const broker_change& change, const std::function<bool(const partition&)>& concerned,
                                record_list& out) const {
  latest_.topics.for_each([&](const topic_id& id, const auto& t) {
    for (const auto& p : t->partitions) {
      if (!concerned(*p)) continue;
      partition_change next{.before = p.get(),
                            .topic = id,
                            .metadata_version = metadata_version(),
                            .isr = p->isr,
                            .unclean = change.unclean,
                            .min_insync_replicas = min_insync_replicas(*t, p->replicas.size()),
                            .elr = elr_enabled(),
                            .unclean_election = unclean_elections(*t)};
      std::erase(next.isr, change.removed);
      std::erase(next.isr, change.unclean);
      next.acceptable = [&](broker_id broker) {
        if (broker == change.removed || broker == change.unclean) return false;
        const broker_registration* registered = latest_.find_broker(broker);
        if (registered == nullptr || !may_be_online(*registered, p->directory_of(broker))) return false;
        // A broker that is just being unfenced still looks fenced here.
        return broker == change.added || registered->active();
      };
      if (auto record = next.build()) out.push_back(*std::move(record));
    }
  });
}

}  // namespace moldau::metadata
