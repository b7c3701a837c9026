#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "moldau/core/topic_partition.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"
#include "tests/sim/record_ledger.hpp"
#include "tests/sim/topic_ledger.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

/// What every simulated client is given; outlives them.
struct client_context {
  rt::world& world;
  rt::endpoint broker;
  verdict& out;
  record_ledger& records;
  topic_ledger& topics;
  /// The simulator's time; each machine's own clock has a start and a pace of its own.
  std::function<rt::time_point()> true_time;
  /// Clients end what they have begun, then end.
  bool stopping = false;

  [[nodiscard]] std::uint64_t below(std::uint64_t bound) const { return world.random() % bound; }
  [[nodiscard]] bool one_in(std::uint64_t n) const { return below(n) == 0; }
  /// A pause of up to that long, by chance.
  [[nodiscard]] auto pause(std::uint64_t most_ms) const {
    return world.sleep_for(std::chrono::microseconds(1 + below(most_ms * 1000)));
  }
};

/// How a client waits before it tries again.
inline constexpr std::uint64_t backoff_ms = 200;
/// How long it may take until a broker answers once nothing fails any more: one that stood still is fenced until its
/// controller has heard of it again.
inline constexpr rt::duration patience = std::chrono::minutes(1);

}  // namespace moldau::scenarios
