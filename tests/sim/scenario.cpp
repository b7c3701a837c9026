#include "tests/sim/scenario.hpp"

#include <algorithm>

namespace moldau::scenarios {

namespace sim = moldau::testing::sim;

const std::vector<scenario>& all_scenarios() {
  static const std::vector<scenario> all{
      {.name = "storm",
       .about = "everything at once, each seed with some kinds of faults of its own",
       .faults = all_faults(),
       .some_of_them = true},
      {.name = "power_cuts",
       .about = "the power goes, at any time and inside any change of the disk",
       .faults = {fault::power_cut, fault::crash_point},
       .strikes = 8},
      {.name = "kills",
       .about = "SIGKILL and clean stops",
       .faults = {fault::kill, fault::stop, fault::kill, fault::pause},
       .strikes = 8},
      {.name = "failing_disk",
       .about = "slow, full, read-only and failing disks",
       .faults = {fault::slow_disk, fault::disk_full, fault::failing_sync, fault::failing_write, fault::read_only_disk,
                  fault::kill}},
      {.name = "network",
       .about = "cuts, partitions, delays, clock steps",
       .faults = {fault::cut, fault::partition, fault::slow_network, fault::pause, fault::clock_step}},
      {.name = "unflushed",
       .about = "log.flush.ack=false: a power cut may take what was acknowledged, a kill takes nothing",
       .faults = {fault::power_cut, fault::crash_point, fault::kill, fault::stop, fault::pause},
       .strikes = 8,
       .synced = false},
      {.name = "trims",
       .about = "DeleteRecords, with the process and the power going",
       .faults = {fault::kill, fault::power_cut, fault::crash_point, fault::stop, fault::cut},
       .clients = trim_load},
      {.name = "compaction",
       .about = "compacted topics, with the process and the power going",
       .faults = {fault::kill, fault::power_cut, fault::crash_point, fault::stop, fault::slow_disk},
       .clients = compaction_load},
      {.name = "groups",
       .about = "groups and their offsets, with the process, the power and connections going",
       .faults = {fault::kill, fault::power_cut, fault::crash_point, fault::stop, fault::pause, fault::cut,
                  fault::partition},
       .clients = group_load,
       .properties = "group.initial.rebalance.delay.ms=0\n"
                     "offsets.topic.num.partitions=3\n"
                     "offsets.retention.minutes=1\n"
                     "offsets.retention.check.interval.ms=1000\n"},
      {.name = "client_storm",
       .about = "the client library: everything at once, each seed with some kinds of faults of its own",
       .faults = all_faults(),
       .some_of_them = true,
       .clients = client_load},
      {.name = "client_kills",
       .about = "the client library: brokers killed, stopped and powered off",
       .faults = {fault::kill, fault::stop, fault::kill, fault::power_cut, fault::pause},
       .clients = client_load},
      {.name = "client_network",
       .about = "the client library: cuts, partitions, delays, clock steps",
       .faults = {fault::cut, fault::partition, fault::slow_network, fault::pause, fault::clock_step},
       .clients = client_load},
      {.name = "client_calm",
       .about = "the client library: nothing fails but its members",
       .faults = {fault::stop},
       .strikes = 2,
       .settings = [](std::uint64_t) { return sim::calm(); },
       .clients = client_load},
      {.name = "calm", .about = "nothing fails", .faults = {fault::stop}, .strikes = 2, .settings = [](std::uint64_t) {
         return sim::calm();
       }}};
  return all;
}

const scenario* find_scenario(std::string_view name) {
  const auto found = std::ranges::find(all_scenarios(), name, &scenario::name);
  return found == all_scenarios().end() ? nullptr : &*found;
}

run_result run(const scenario& what, sim::simulator& world) {
  std::vector<fault> faults = what.faults;
  if (what.some_of_them) {
    // Fewer kinds go deeper: what they do to one another isn't drowned by the rest.
    const std::size_t count = 1 + world.random().below(4);
    while (faults.size() > count) {
      faults.erase(faults.begin() + static_cast<std::ptrdiff_t>(world.random().below(faults.size())));
    }
  }
  cluster of(world, what.properties, what.synced);
  const auto clients = what.clients(of);
  nemesis against = of.make_nemesis();
  against.start();
  if (of.found().passed()) {
    clients->begin();
    for (std::size_t i = 0; i < what.strikes && of.found().passed(); ++i) {
      against.strike(faults);
      if (of.found().passed()) clients->struck();
    }
    if (of.found().passed()) against.relent();
    if (of.found().passed() && of.end_clients()) clients->end();
  }
  return {.found = of.found(), .acknowledged = clients->acknowledged(), .trace_hash = world.trace_hash()};
}

}  // namespace moldau::scenarios
