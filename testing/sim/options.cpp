#include "testing/sim/options.hpp"

namespace moldau::testing::sim {

options calm() {
  return {};
}

options rough(std::uint64_t seed) {
  using namespace std::chrono_literals;
  random_source random(random_source::mix(seed));
  options out;
  const auto sometimes = [&](double chance, double most) {
    return random.chance(chance) ? most * static_cast<double>(random.between(1, 100)) / 100 : 0.0;
  };
  out.event_cost_max = random.chance(0.3) ? 100us : 2us;
  out.timer_slack_max = random.chance(0.5) ? 20ms : 0ms;
  out.wall_skew_max_ms = random.chance(0.5) ? 30'000 : 0;
  out.workers_per_host = static_cast<unsigned>(random.between(1, 8));
  out.worker_delay.most = random.chance(0.3) ? 5ms : 40us;

  out.disk.slow = sometimes(0.5, 0.02);
  out.disk.sync_latency.most = random.chance(0.3) ? 50ms : 2ms;
  out.disk.resident = random.chance(0.5) ? 0.5 : 0.95;

  out.network.latency.most = random.chance(0.3) ? 100ms : 5ms;
  out.network.slow = sometimes(0.7, 0.05);
  out.network.bytes_per_second = random.chance(0.2) ? 1'000'000 : 100'000'000;
  out.network.segment_bytes_max = random.chance(0.3) ? 200 : 32 * 1024;
  out.network.send_buffer_bytes = random.chance(0.3) ? 4 * 1024 : 128 * 1024;
  out.network.receive_buffer_bytes = random.chance(0.3) ? 4 * 1024 : 128 * 1024;
  out.network.short_read = random.chance(0.7) ? 0.3 : 0;
  out.network.cut = sometimes(0.6, 0.002);
  out.network.refuse = sometimes(0.5, 0.1);
  out.network.accept_error = sometimes(0.3, 0.05);
  out.network.retransmission_timeout = random.chance(0.5) ? 15s : 60s;
  return out;
}

}  // namespace moldau::testing::sim
