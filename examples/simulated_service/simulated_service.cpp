// Tests the service against every kind of trouble that a seed brings: two instances of it on two machines are killed,
// paused and cut off, brokers restart, and in the end every order must have its invoice. A failure prints its seed;
// MOLDAU_SIM_SEED=<seed> runs it again, the very same way.
#include <chrono>
#include <cstdio>
#include <memory>
#include <set>
#include <string>

#include "invoice_service.hpp"
#include "moldau/testing/fake_broker.hpp"
#include "moldau/testing/simulator.hpp"

namespace {

using namespace std::chrono_literals;
using moldau::testing::fake_broker;
using moldau::testing::simulated_host;
using moldau::testing::simulator;

constexpr int partitions = 3;
constexpr int orders = 60;

std::set<std::string> invoices_in(const fake_broker& cluster) {
  std::set<std::string> out;
  for (int i = 0; i < partitions; ++i) {
    for (const auto& record : cluster.records({invoice_service::invoices, moldau::partition_id(i)})) {
      out.insert(record.value.value_or(""));
    }
  }
  return out;
}

void start_service(simulated_host& on, const fake_broker& cluster) {
  on.start([&cluster](simulated_host& here) {
    auto service = std::make_shared<invoice_service>(moldau::client::client_options{
        .bootstrap_servers = cluster.bootstrap_servers(), .request_timeout_ms = 5'000, .world = here.world()});
    service->run();
    return service;
  });
}

/// One thing that goes wrong.
void trouble(simulator& world, simulated_host& victim, simulated_host& kafka, fake_broker& cluster) {
  const moldau::broker_id some_broker(static_cast<std::int32_t>(1 + world.random() % 3));
  switch (world.random() % 5) {
    case 0:
      victim.kill();
      world.run_for(2s);
      return victim.restart();
    case 1:
      return victim.pause(10s);
    case 2:
      world.partition(victim, kafka);
      world.run_for(8s);
      return world.heal();
    case 3:
      return world.cut(victim, kafka);
    default:
      (void)cluster.stop_broker(some_broker);
      world.run_for(1s);
      (void)cluster.start_broker(some_broker);
  }
}

bool every_order_gets_an_invoice(simulator& world) {
  simulated_host& kafka = world.add_host("kafka");
  auto made = fake_broker::start({.brokers = 3,
                                  .topics = {{.name = invoice_service::orders, .partitions = partitions},
                                             {.name = invoice_service::invoices, .partitions = partitions}},
                                  .world = kafka.world(),
                                  .host = "kafka"});
  if (!made) return false;
  fake_broker& cluster = *made;
  simulated_host& first = world.add_host("service-1");
  simulated_host& second = world.add_host("service-2");
  start_service(first, cluster);
  start_service(second, cluster);

  std::set<std::string> expected;
  for (int i = 0; i < orders; ++i) {
    const std::string order = "order " + std::to_string(i);
    (void)cluster.append({invoice_service::orders, moldau::partition_id(i % partitions)}, {.value = order});
    expected.insert("invoice for " + order);
    if (i % 10 == 9) trouble(world, i % 20 == 9 ? first : second, kafka, cluster);
    world.run_for(500ms);
  }
  const bool all = world.run_until([&] { return invoices_in(cluster) == expected; }, 5min);
  if (!all) {
    std::fprintf(stderr, "%zu of %zu orders have an invoice\n", invoices_in(cluster).size(), expected.size());
  }
  return all;
}

}  // namespace

int main() {
  const bool passed = simulator::for_each_seed({.seed = 1, .weather = moldau::testing::weather::rough}, 4,
                                               every_order_gets_an_invoice);
  std::puts(passed ? "every order got its invoice" : "FAILED");
  return passed ? 0 : 1;
}
