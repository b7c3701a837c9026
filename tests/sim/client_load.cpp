#include "tests/sim/client_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "tests/sim/broker_process.hpp"
#include "tests/sim/client_programs.hpp"
#include "tests/sim/consumer.hpp"
#include "tests/sim/group_ledger.hpp"
#include "tests/sim/nemesis.hpp"
#include "tests/sim/topic_churn.hpp"

namespace moldau::scenarios {
namespace {

using namespace std::chrono_literals;
namespace sim = moldau::testing::sim;

constexpr rt::duration calm_limit = 30min;
constexpr std::size_t member_machines = 3;
constexpr std::size_t producer_machines = 2;

/// A broker, producers and a group's members, each on a machine of its own.
class client_load {
 public:
  explicit client_load(sim::simulator& world)
      : world_(world),
        broker_host_(world.add_host("broker", 2)),
        checker_(world.add_host("checker")),
        records_(found_),
        topics_(found_),
        group_(found_),
        broker_(broker_host_, broker_properties(world.random())),
        context_{.world = checker_.core(),
                 .broker = {"broker", broker_port},
                 .out = found_,
                 .records = records_,
                 .topics = topics_},
        run_{.out = found_,
             .records = records_,
             .group = group_,
             .broker = fmt::format("broker:{}", broker_port),
             .topic = "orders",
             .partitions = 3} {
    for (std::size_t i = 0; i < producer_machines; ++i)
      producers_.push_back(&world.add_host(fmt::format("producer-{}", i)));
    for (std::size_t i = 0; i < member_machines; ++i) members_.push_back(&world.add_host(fmt::format("member-{}", i)));
  }

  run_result run(const scenario& what);

 private:
  void begin();
  /// One of the members' machines meets with something of its own.
  void strike_member();
  void end();

  sim::simulator& world_;
  sim::host& broker_host_;
  sim::host& checker_;
  std::vector<sim::host*> producers_;
  std::vector<sim::host*> members_;
  verdict found_;
  record_ledger records_;
  topic_ledger topics_;
  group_ledger group_;
  broker_process broker_;
  client_context context_;
  client_run run_;
};

void client_load::begin() {
  world_.run(checker_, create_until_there(context_, run_.topic, run_.partitions, "segment.ms=2000 retention.ms=-1"));
  for (std::size_t i = 0; i < producers_.size(); ++i) {
    producers_[i]->spawn(run_library_producer(run_, producers_[i]->core(), fmt::format("p{}", i)));
  }
  for (sim::host* host : members_) {
    host->start([this](sim::host& on) {
      return run_group_member(run_, on.core(), fmt::format("{}.{}", on.name(), on.incarnation()));
    });
  }
}

void client_load::strike_member() {
  sim::host& one = *members_[world_.random().below(members_.size())];
  switch (world_.random().below(4)) {
    case 0:
      one.kill();
      world_.run_for(std::chrono::milliseconds(world_.random().below(8'000)));
      return one.restart();
    case 1:
      one.crash();
      world_.run_for(std::chrono::milliseconds(world_.random().below(8'000)));
      return one.restart();
    case 2:
      return one.pause(std::chrono::milliseconds(world_.random().below(20'000)));
    default:
      return one.step_clock(static_cast<std::int64_t>(world_.random().below(7'200'000)) - 3'600'000);
  }
}

void client_load::end() {
  run_.producers_stop = true;
  const auto broken = [&] { return !broker_.host().running() || !found_.passed(); };
  const bool sent = world_.run_until([&] { return run_.producers_ended == producers_.size() || broken(); }, calm_limit);
  if (!found_.passed()) return;
  if (!broker_.host().running()) {
    found_.fail(fmt::format("the broker has ended by itself though nothing fails any more: {}",
                            broker_.failure() ? broker_.failure()->message : "without a word"));
    return;
  }
  if (!sent) {
    found_.fail("the producers don't come to their end though nothing fails any more");
    return;
  }
  std::vector<topic_partition> all;
  for (std::int32_t i = 0; i < run_.partitions; ++i) all.push_back({run_.topic, partition_id(i)});
  std::map<topic_partition, offset> ends;
  consumer last(context_, "last", all);
  last.on_record = [&](const topic_partition& of, offset at, std::string_view) { ends[of] = at + 1; };
  if (!world_.run(checker_, last.read_all())) found_.fail("the last consumer can't read everything");
  const auto all_delivered = [&] {
    return std::ranges::all_of(ends, [&](const auto& end) { return group_.delivered_to(end.first) >= end.second; });
  };
  if (!world_.run_until([&] { return all_delivered() || broken(); }, calm_limit)) {
    for (const auto& [of, end] : ends) {
      if (group_.delivered_to(of) >= end) continue;
      found_.fail(fmt::format("{}-{}: the group has read up to {} of {} though nothing fails any more", of.topic,
                              of.partition.value(), group_.delivered_to(of).value(), end.value()));
    }
    return;
  }
  run_.members_stop = true;
  if (!world_.run_until([&] { return run_.members_ended == members_.size() || broken(); }, calm_limit)) {
    found_.fail("the group's members don't come to their end though nothing fails any more");
  }
}

run_result client_load::run(const scenario& what) {
  std::vector<sim::host*> clients = producers_;
  clients.insert(clients.end(), members_.begin(), members_.end());
  nemesis against(world_, broker_, clients, records_, found_);
  const std::vector<fault> faults = chosen_faults(what, world_);
  against.start();
  if (found_.passed()) begin();
  for (std::size_t i = 0; i < what.strikes && found_.passed(); ++i) {
    against.strike(faults);
    if (found_.passed() && what.strikes > 2 && world_.random().chance(0.5)) strike_member();
  }
  if (found_.passed()) against.relent();
  if (found_.passed()) end();
  return {.found = found_,
          .acknowledged = records_.acknowledged_count(),
          .seen = records_.seen_count(),
          .trace_hash = world_.trace_hash()};
}

run_result run_clients(const scenario& what, sim::simulator& world) {
  return client_load(world).run(what);
}

}  // namespace

std::vector<scenario> client_scenarios() {
  return {{.name = "client_storm",
           .about = "the client library: everything at once, each seed with some kinds of faults of its own",
           .faults = all_faults(),
           .some_of_them = true,
           .load = run_clients},
          {.name = "client_kills",
           .about = "the client library: brokers killed, stopped and powered off",
           .faults = {fault::kill, fault::stop, fault::kill, fault::power_cut, fault::pause},
           .load = run_clients},
          {.name = "client_network",
           .about = "the client library: cuts, partitions, delays, clock steps",
           .faults = {fault::cut, fault::partition, fault::slow_network, fault::pause, fault::clock_step},
           .load = run_clients},
          {.name = "client_calm",
           .about = "the client library: nothing fails",
           .faults = {fault::stop},
           .strikes = 2,
           .settings = [](std::uint64_t) { return sim::calm(); },
           .load = run_clients}};
}

}  // namespace moldau::scenarios
