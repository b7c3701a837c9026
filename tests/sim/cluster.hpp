#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rt/task.hpp"
#include "testing/sim/simulator.hpp"
#include "tests/sim/broker_process.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/nemesis.hpp"
#include "tests/sim/record_ledger.hpp"
#include "tests/sim/topic_ledger.hpp"
#include "tests/sim/verdict.hpp"

namespace moldau::scenarios {

inline constexpr std::uint16_t broker_port = 9092;

/// One broker, two machines of clients or more, and what every load of a run shares.
class cluster {
 public:
  /// `properties` are added to the broker's own; with `synced` it acknowledges what is on the disk (`log.flush.ack`).
  cluster(testing::sim::simulator& world, std::string_view properties, bool synced);

  [[nodiscard]] testing::sim::simulator& world() { return world_; }
  [[nodiscard]] nemesis make_nemesis() { return {world_, broker_, hosts_, records_, found_}; }
  [[nodiscard]] verdict& found() { return found_; }
  [[nodiscard]] record_ledger& records() { return records_; }
  /// One more machine, which faults meet with too. Before `make_nemesis`.
  testing::sim::host& add_machine(const std::string& name) { return *hosts_.emplace_back(&world_.add_host(name)); }
  [[nodiscard]] bool broker_runs() { return broker_.host().running(); }
  /// How many machines have thin clients, which have a context.
  [[nodiscard]] std::size_t client_hosts() const { return contexts_.size(); }
  [[nodiscard]] client_context& context(std::size_t host) { return *contexts_[host]; }

  /// Runs a client, which ends some time after its context says stop.
  void spawn(std::size_t host, rt::task<void> what);
  /// Runs it to its end.
  template <typename T>
  T run(std::size_t host, rt::task<T> what) {
    return world_.run(*hosts_[host], std::move(what));
  }
  /// Has all clients end; nothing fails any more. Returns whether they did.
  bool end_clients();

 private:
  testing::sim::simulator& world_;
  testing::sim::host& broker_host_;
  std::vector<testing::sim::host*> hosts_;
  verdict found_;
  record_ledger records_;
  topic_ledger topics_;
  broker_process broker_;
  std::vector<std::unique_ptr<client_context>> contexts_;
  std::size_t begun_ = 0;
  std::size_t ended_ = 0;
};

}  // namespace moldau::scenarios
