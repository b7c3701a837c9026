#include "tests/sim/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>

#include "tests/sim/broker_process.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/client_load.hpp"
#include "tests/sim/consumer.hpp"
#include "tests/sim/producer.hpp"
#include "tests/sim/record_ledger.hpp"
#include "tests/sim/topic_churn.hpp"
#include "tests/sim/topic_ledger.hpp"

namespace moldau::scenarios {
namespace {

using namespace std::chrono_literals;
namespace sim = moldau::testing::sim;

/// How long the clients may take to end what they have begun once nothing fails any more.
constexpr rt::duration calm_limit = 30min;

/// The clients of a run and what they are checked by.
class cluster_load {
 public:
  explicit cluster_load(sim::simulator& world)
      : world_(world),
        broker_host_(world.add_host("broker", 2)),
        hosts_{&world.add_host("clients-a"), &world.add_host("clients-b")},
        records_(found_),
        topics_(found_),
        broker_(broker_host_, broker_properties(world.random())) {
    for (sim::host* host : hosts_) {
      contexts_.push_back(std::make_unique<client_context>(client_context{.world = host->core(),
                                                                          .broker = {"broker", broker_port},
                                                                          .out = found_,
                                                                          .records = records_,
                                                                          .topics = topics_}));
    }
  }

  void begin();
  void end();

  [[nodiscard]] nemesis make_nemesis() { return {world_, broker_, {hosts_.begin(), hosts_.end()}, records_, found_}; }
  [[nodiscard]] verdict& found() { return found_; }
  [[nodiscard]] const record_ledger& records() const { return records_; }

 private:
  /// Runs a client to its end; `ended` counts those that have come there.
  void spawn(std::size_t host, rt::task<void> what) {
    ++begun_;
    hosts_[host]->spawn([](rt::task<void> inner, std::size_t& ended) -> rt::task<void> {
      co_await std::move(inner);
      ++ended;
    }(std::move(what), ended_));
  }
  void make_topics();
  [[nodiscard]] std::vector<topic_partition> partitions_of(const std::string& topic) const;

  static constexpr std::int32_t partitions = 3;

  sim::simulator& world_;
  sim::host& broker_host_;
  std::vector<sim::host*> hosts_;
  verdict found_;
  record_ledger records_;
  topic_ledger topics_;
  broker_process broker_;
  std::vector<std::unique_ptr<client_context>> contexts_;
  std::vector<std::unique_ptr<idempotent_producer>> idempotent_;
  std::vector<std::unique_ptr<plain_producer>> plain_;
  std::vector<std::unique_ptr<consumer>> consumers_;
  std::vector<std::unique_ptr<topic_churn>> churns_;
  std::size_t begun_ = 0;
  std::size_t ended_ = 0;
};

std::vector<topic_partition> cluster_load::partitions_of(const std::string& topic) const {
  std::vector<topic_partition> out;
  for (std::int32_t i = 0; i < partitions; ++i) out.push_back({topic, partition_id(i)});
  return out;
}

void cluster_load::make_topics() {
  // "orders" keeps everything, in short segments; "short" loses its oldest records all the time.
  world_.run(*hosts_[0], create_until_there(*contexts_[0], "orders", partitions, "segment.ms=2000 retention.ms=-1"));
  world_.run(*hosts_[0], create_until_there(*contexts_[0], "short", partitions,
                                            "segment.ms=1000 retention.ms=3000 file.delete.delay.ms=1000"));
  for (const auto& one : partitions_of("short")) records_.may_expire(one);
}

void cluster_load::begin() {
  make_topics();
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    client_context& context = *contexts_[i];
    for (std::int32_t p = 0; p < partitions; ++p) {
      const auto name = fmt::format("i{}{}", i, p);
      idempotent_.push_back(
          std::make_unique<idempotent_producer>(context, name, topic_partition{"orders", partition_id(p)}));
      spawn(i, idempotent_.back()->run());
    }
    // No idempotent ones there: a batch that has expired can't be told from a lost one when it is repeated.
    plain_.push_back(
        std::make_unique<plain_producer>(context, fmt::format("s{}", i), topic_partition{"short", partition_id(0)}));
    spawn(i, plain_.back()->run());
    plain_.push_back(std::make_unique<plain_producer>(
        context, fmt::format("p{}", i), topic_partition{"orders", partition_id(static_cast<std::int32_t>(i))}));
    spawn(i, plain_.back()->run());
    auto all = partitions_of("orders");
    std::ranges::move(partitions_of("short"), std::back_inserter(all));
    consumers_.push_back(std::make_unique<consumer>(context, fmt::format("c{}", i), std::move(all)));
    spawn(i, consumers_.back()->run());
    churns_.push_back(std::make_unique<topic_churn>(context, fmt::format("churn{}", i)));
    spawn(i, churns_.back()->run());
  }
}

void cluster_load::end() {
  for (auto& context : contexts_) context->stopping = true;
  const bool ended =
      world_.run_until([&] { return ended_ == begun_ || !broker_.host().running(); }, calm_limit) && ended_ == begun_;
  if (!broker_.host().running()) {
    found_.fail(fmt::format("the broker has ended by itself though nothing fails any more: {}",
                            broker_.failure() ? broker_.failure()->message : "without a word"));
    return;
  }
  if (!ended) {
    found_.fail(
        fmt::format("{} of {} clients don't come to their end though nothing fails any more", begun_ - ended_, begun_));
    return;
  }
  auto all = partitions_of("orders");
  std::ranges::move(partitions_of("short"), std::back_inserter(all));
  consumer last(*contexts_[0], "last", std::move(all));
  if (!world_.run(*hosts_[0], last.read_all())) found_.fail("the last consumer can't read everything");
  for (std::size_t i = 0; i < churns_.size(); ++i) {
    if (!world_.run(*hosts_[i], churns_[i]->check_all())) found_.fail("the topics can't be asked for any more");
  }
}

}  // namespace

std::string broker_properties(sim::random_source& random) {
  return fmt::format(R"(
node.id=1
process.roles=broker,controller
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
advertised.listeners=PLAINTEXT://broker:9092,CONTROLLER://broker:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=broker:9093
log.dirs={}
offsets.topic.replication.factor=1
moldau.admin.port=-1
log.flush.offset.checkpoint.interval.ms={}
log.retention.check.interval.ms={}
log.cleaner.backoff.ms=1000
log.segment.delete.delay.ms=2000
metadata.log.max.record.bytes.between.snapshots={}
moldau.log.preallocate.step.bytes={}
)",
                     random.chance(0.3) ? "/data-a,/data-b" : "/data", random.between(200, 5000),
                     random.between(500, 3000), random.between(1000, 20'000), random.chance(0.5) ? 0 : 65'536);
}

const std::vector<scenario>& all_scenarios() {
  static const std::vector<scenario> all = [] {
    std::vector<scenario> out{
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
         .faults = {fault::slow_disk, fault::disk_full, fault::failing_sync, fault::failing_write,
                    fault::read_only_disk, fault::kill}},
        {.name = "network",
         .about = "cuts, partitions, delays, clock steps",
         .faults = {fault::cut, fault::partition, fault::slow_network, fault::pause, fault::clock_step}},
        {.name = "calm",
         .about = "nothing fails",
         .faults = {fault::stop},
         .strikes = 2,
         .settings = [](std::uint64_t) { return sim::calm(); }}};
    std::ranges::move(client_scenarios(), std::back_inserter(out));
    return out;
  }();
  return all;
}

const scenario* find_scenario(std::string_view name) {
  const auto found = std::ranges::find(all_scenarios(), name, &scenario::name);
  return found == all_scenarios().end() ? nullptr : &*found;
}

std::vector<fault> chosen_faults(const scenario& what, sim::simulator& world) {
  std::vector<fault> faults = what.faults;
  if (what.some_of_them) {
    // Fewer kinds go deeper: what they do to one another isn't drowned by the rest.
    const std::size_t count = 1 + world.random().below(4);
    while (faults.size() > count) {
      faults.erase(faults.begin() + static_cast<std::ptrdiff_t>(world.random().below(faults.size())));
    }
  }
  return faults;
}

run_result run(const scenario& what, sim::simulator& world) {
  if (what.load != nullptr) return what.load(what, world);
  const std::vector<fault> faults = chosen_faults(what, world);
  cluster_load load(world);
  nemesis against = load.make_nemesis();
  against.start();
  if (load.found().passed()) {
    load.begin();
    for (std::size_t i = 0; i < what.strikes && load.found().passed(); ++i) against.strike(faults);
    if (load.found().passed()) against.relent();
    if (load.found().passed()) load.end();
  }
  return {.found = load.found(),
          .acknowledged = load.records().acknowledged_count(),
          .seen = load.records().seen_count(),
          .trace_hash = world.trace_hash()};
}

}  // namespace moldau::scenarios
