#include <algorithm>
#include <charconv>

#include "metadata/controller.hpp"
#include "metadata/partition_change.hpp"
#include "metadata/records.hpp"
#include "wire/protocol/assign_replicas_to_dirs_request.hpp"
#include "wire/protocol/assign_replicas_to_dirs_response.hpp"

namespace moldau::metadata {

namespace {

bool may_be_online(const broker_registration& broker, const directory_id& directory) {
  if (directory == unassigned_directory || directory == migrating_directory) return true;
  if (directory == lost_directory) return false;
  if (broker.directories.empty()) return true;
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

partition_change controller::change_of_partition(const topic_id& id, const topic& t, const partition& p,
                                                 const broker_change& change) const {
  partition_change out{.before = &p,
                       .topic = id,
                       .metadata_version = metadata_version(),
                       .isr = p.isr,
                       .unclean = change.unclean,
                       .min_insync_replicas = min_insync_replicas(t, p.replicas.size()),
                       .elr = elr_enabled(),
                       .unclean_election = unclean_elections(t)};
  std::erase(out.isr, change.removed);
  std::erase(out.isr, change.unclean);
  out.acceptable = [&](broker_id broker) {
    if (broker == change.removed || broker == change.unclean) return false;
    const broker_registration* registered = latest_.find_broker(broker);
    if (registered == nullptr || !may_be_online(*registered, p.directory_of(broker))) return false;
    // A broker that is just being unfenced still looks fenced here.
    return broker == change.added || registered->active();
  };
  return out;
}

void controller::change_leaders(const broker_change& change, const std::function<bool(const partition&)>& concerned,
                                record_list& out) const {
  latest_.topics.for_each([&](const topic_id& id, const auto& t) {
    for (const auto& p : t->partitions) {
      if (!concerned(*p)) continue;
      if (auto record = change_of_partition(id, *t, *p, change).build()) out.push_back(*std::move(record));
    }
  });
}

errc controller::assign_directory(const topic* of, partition_id id, const broker_registration& broker,
                                  const directory_id& directory, record_list& out) const {
  if (of == nullptr) return errc::unknown_topic_id;
  const partition* p = of->find(id);
  if (p == nullptr) return errc::unknown_topic_or_partition;
  if (std::ranges::find(p->replicas, broker.id) == p->replicas.end()) return errc::not_leader_or_follower;
  // What lies in a directory that has failed can't be served.
  const broker_change gone{.removed = may_be_online(broker, directory) ? no_broker : broker.id};
  partition_change next = change_of_partition(of->id, *of, *p, gone);
  next.directories = p->directories;
  for (std::size_t i = 0; i < p->replicas.size(); ++i) {
    if (p->replicas[i] == broker.id) next.directories->at(i) = directory;
  }
  if (auto record = next.build()) out.push_back(*std::move(record));
  return errc::none;
}

outcome<wire::protocol::assign_replicas_to_dirs_response> controller::assign_replicas_to_dirs(
    const wire::protocol::assign_replicas_to_dirs_request& request, std::int64_t now_ms) {
  wire::protocol::assign_replicas_to_dirs_response response;
  record_list out;
  const broker_registration* broker = latest_.find_broker(request.broker_id);
  if (!has_directories(metadata_version())) {
    response.error_code = errc::unsupported_version;
  } else if (broker == nullptr || broker->epoch != request.broker_epoch) {
    response.error_code = errc::stale_broker_epoch;
  } else {
    for (const auto& directory : request.directories) {
      auto& to_directory = response.directories.emplace_back();
      to_directory.id = directory.id;
      for (const auto& topic : directory.topics) {
        auto& to_topic = to_directory.topics.emplace_back();
        to_topic.topic_id = topic.topic_id;
        for (const auto& asked : topic.partitions) {
          to_topic.partitions.push_back(
              {.partition_index = asked.partition_index,
               .error_code = assign_directory(latest_.find_topic(topic.topic_id), asked.partition_index, *broker,
                                              directory.id, out)});
        }
      }
    }
  }
  return finish(std::move(response), std::move(out), now_ms);
}

}  // namespace moldau::metadata
