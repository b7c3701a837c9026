#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <moldau/client/producer.hpp>
#include <moldau/testing/fake_broker.hpp>
#include <moldau/testing/simulator.hpp>
#include <set>
#include <string>

using namespace moldau;
using namespace std::chrono_literals;

/// Sends a number after another, each when the one before has arrived; a new process goes on behind the last that did.
class counter : public std::enable_shared_from_this<counter> {
 public:
  counter(const client::client_options& kafka, int from)
      : next_(from), producer_(client::producer::make({.client = kafka, .linger_ms = 0}).value()) {}

  void run() {
    const std::string value = std::to_string(next_);
    producer_.send({.topic = "t", .value = as_bytes(value)})
        .then([self = weak_from_this()](const result<client::delivery>& sent) {
          const auto here = self.lock();
          if (!here) return;
          if (sent) ++here->next_;
          here->run();
        });
  }

 private:
  int next_;
  client::producer producer_;
};

/// Kills the program in the middle of its work, again and again. What came of it, and the run's fingerprint.
std::uint64_t run(std::uint64_t seed, std::set<std::string>& arrived) {
  testing::simulator world({.seed = seed, .weather = testing::weather::rough});
  auto& kafka = world.add_host("kafka");
  auto cluster =
      testing::fake_broker::start({.topics = {{.name = "t"}}, .world = kafka.world(), .host = "kafka"}).value();
  const topic_partition of{"t", partition_id(0)};
  auto& app = world.add_host("app");
  app.start([&](testing::simulated_host& on) {
    const auto so_far = static_cast<int>(cluster.records(of).size());
    auto program = std::make_shared<counter>(
        client::client_options{.bootstrap_servers = cluster.bootstrap_servers(), .world = on.world()}, so_far);
    program->run();
    return program;
  });
  for (std::int64_t round = 1; round <= 5; ++round) {
    const bool moved = world.run_until([&] { return cluster.end_offset(of) >= offset(10 * round); }, 10min);
    if (!moved) std::cerr << world.report();
    app.kill();
    world.run_for(1s);
    app.restart();
  }
  app.kill();
  for (const auto& record : cluster.records(of)) arrived.insert(record.value.value_or(""));
  return world.trace_hash();
}

int main() {
  std::set<std::string> first;
  std::set<std::string> second;
  const bool same = run(7, first) == run(7, second);
  for (int i = 0; i < 50; ++i) {
    if (!first.contains(std::to_string(i))) return std::cerr << i << " never arrived\n", 1;
  }
  std::cout << "50 numbers through 5 kills, " << (same && first == second ? "twice the same way\n" : "differently\n");
}
