#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "tests/sim/client_programs.hpp"
#include "tests/sim/consumer.hpp"
#include "tests/sim/group_ledger.hpp"
#include "tests/sim/load.hpp"
#include "tests/sim/topic_churn.hpp"

namespace moldau::scenarios {
namespace {

using namespace std::chrono_literals;
namespace sim = moldau::testing::sim;

constexpr rt::duration calm_limit = 30min;
constexpr std::size_t member_machines = 3;
constexpr std::size_t producer_machines = 2;

class library final : public load {
 public:
  explicit library(cluster& of)
      : cluster_(of),
        group_(of.found()),
        run_{.out = of.found(),
             .records = of.records(),
             .group = group_,
             .broker = fmt::format("broker:{}", broker_port),
             .topic = "orders",
             .partitions = 3,
             .habits = member_habits::some(of.world().random())} {
    for (std::size_t i = 0; i < producer_machines; ++i)
      producers_.push_back(&of.add_machine(fmt::format("producer-{}", i)));
    for (std::size_t i = 0; i < member_machines; ++i) members_.push_back(&of.add_machine(fmt::format("member-{}", i)));
  }

  library(const library&) = delete;
  library& operator=(const library&) = delete;
  /// After a failure its programs still run, and would look for what is gone with this.
  ~library() override {
    for (sim::host* one : producers_) one->kill();
    for (sim::host* one : members_) one->kill();
  }

  void begin() override;
  /// One of the members' machines may meet with something of its own.
  void struck() override;
  void end() override;
  [[nodiscard]] std::size_t acknowledged() const override { return cluster_.records().acknowledged_count(); }

 private:
  bool await(const auto& what) {
    return cluster_.world().run_until([&] { return what() || broken(); }, calm_limit);
  }
  [[nodiscard]] bool broken() { return !cluster_.broker_runs() || !cluster_.found().passed(); }

  cluster& cluster_;
  group_ledger group_;
  client_run run_;
  std::vector<sim::host*> producers_;
  std::vector<sim::host*> members_;
};

void library::begin() {
  cluster_.run(0,
               create_until_there(cluster_.context(0), run_.topic, run_.partitions, "segment.ms=2000 retention.ms=-1"));
  for (std::size_t i = 0; i < producers_.size(); ++i) {
    producers_[i]->spawn(run_library_producer(run_, producers_[i]->core(), fmt::format("p{}", i)));
  }
  for (sim::host* host : members_) {
    host->start([this](sim::host& on) { return run_group_member(run_, on.core(), on.name(), on.incarnation()); });
  }
}

void library::struck() {
  if (!cluster_.world().random().chance(0.5)) return;
  sim::host& one = *members_[cluster_.world().random().below(members_.size())];
  switch (cluster_.world().random().below(4)) {
    case 0:
      one.kill();
      cluster_.world().run_for(std::chrono::milliseconds(cluster_.world().random().below(8'000)));
      return one.restart();
    case 1:
      one.crash();
      cluster_.world().run_for(std::chrono::milliseconds(cluster_.world().random().below(8'000)));
      return one.restart();
    case 2:
      return one.pause(std::chrono::milliseconds(cluster_.world().random().below(20'000)));
    default:
      return one.step_clock(static_cast<std::int64_t>(cluster_.world().random().below(7'200'000)) - 3'600'000);
  }
}

void library::end() {
  run_.producers_stop = true;
  const bool sent = await([&] { return run_.producers_ended == producers_.size(); });
  if (!cluster_.found().passed()) return;
  if (!cluster_.broker_runs())
    return cluster_.found().fail("the broker has ended by itself though nothing fails any more");
  if (!sent) {
    cluster_.found().fail("the producers don't come to their end though nothing fails any more");
    return;
  }
  std::vector<topic_partition> all;
  for (std::int32_t i = 0; i < run_.partitions; ++i) all.push_back({run_.topic, partition_id(i)});
  std::map<topic_partition, offset> ends;
  consumer last(cluster_.context(0), "last", all);
  last.on_record = [&](const topic_partition& of, offset at, std::string_view) { ends[of] = at + 1; };
  if (!cluster_.run(0, last.read_all())) cluster_.found().fail("the last consumer can't read everything");
  const auto all_delivered = [&] {
    return std::ranges::all_of(ends, [&](const auto& end) { return group_.delivered_to(end.first) >= end.second; });
  };
  if (!await(all_delivered)) {
    for (const auto& [of, end] : ends) {
      if (group_.delivered_to(of) >= end) continue;
      cluster_.found().fail(fmt::format("{}-{}: the group has read up to {} of {} though nothing fails any more",
                                        of.topic, of.partition.value(), group_.delivered_to(of).value(), end.value()));
    }
    return;
  }
  run_.members_stop = true;
  if (!await([&] { return run_.members_ended == members_.size(); })) {
    cluster_.found().fail("the group's members don't come to their end though nothing fails any more");
  }
}

}  // namespace

std::unique_ptr<load> client_load(cluster& of) {
  return std::make_unique<library>(of);
}

}  // namespace moldau::scenarios
