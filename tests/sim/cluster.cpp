#include "tests/sim/cluster.hpp"

#include <fmt/format.h>

#include <chrono>

namespace moldau::scenarios {
namespace {

using namespace std::chrono_literals;
namespace sim = moldau::testing::sim;

/// How long the clients may take to end what they have begun once nothing fails any more.
constexpr rt::duration calm_limit = 30min;

/// Intervals are short, so that what Kafka does in minutes happens in a run's seconds.
std::string properties(sim::random_source& random, std::string_view more) {
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
{})",
                     random.chance(0.3) ? "/data-a,/data-b" : "/data", random.between(200, 5000),
                     random.between(500, 3000), random.between(1000, 20'000), random.chance(0.5) ? 0 : 65'536, more);
}

}  // namespace

cluster::cluster(sim::simulator& world, std::string_view more, bool synced)
    : world_(world),
      broker_host_(world.add_host("broker", 2)),
      hosts_{&world.add_host("clients-a"), &world.add_host("clients-b")},
      records_(found_, synced),
      topics_(found_),
      broker_(broker_host_, properties(world.random(), fmt::format("{}log.flush.ack={}\n", more, synced))) {
  for (sim::host* host : hosts_) {
    contexts_.push_back(std::make_unique<client_context>(
        client_context{.world = host->core(),
                       .broker = {"broker", broker_port},
                       .out = found_,
                       .records = records_,
                       .topics = topics_,
                       .true_time = [&world] { return rt::time_point(world.now()); }}));
  }
}

void cluster::spawn(std::size_t host, rt::task<void> what) {
  ++begun_;
  hosts_[host]->spawn([](rt::task<void> inner, std::size_t& ended) -> rt::task<void> {
    co_await std::move(inner);
    ++ended;
  }(std::move(what), ended_));
}

bool cluster::end_clients() {
  for (auto& context : contexts_) context->stopping = true;
  world_.run_until([&] { return ended_ == begun_ || !broker_.host().running(); }, calm_limit);
  if (!broker_.host().running()) {
    found_.fail(fmt::format("the broker has ended by itself though nothing fails any more: {}",
                            broker_.failure() ? broker_.failure()->message : "without a word"));
    return false;
  }
  if (ended_ != begun_) {
    found_.fail(
        fmt::format("{} of {} clients don't come to their end though nothing fails any more", begun_ - ended_, begun_));
    return false;
  }
  return true;
}

}  // namespace moldau::scenarios
