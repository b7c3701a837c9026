#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"
#include "moldau/testing/fake_broker.hpp"
#include "rt/task.hpp"
#include "testing/sim/simulator.hpp"

namespace moldau::client {

using testing::api;
using testing::fake_broker;
using testing::fake_broker_options;
using testing::fault;

/// A fake cluster and an application on two simulated hosts.
class playground {
 public:
  explicit playground(fake_broker_options options = {}, std::uint64_t seed = 1,
                      testing::sim::options settings = testing::sim::calm());

  [[nodiscard]] fake_broker& cluster() { return *cluster_; }
  [[nodiscard]] testing::sim::simulator& simulator() { return simulator_; }
  [[nodiscard]] testing::sim::host& app() { return app_; }
  [[nodiscard]] rt::world& world() { return app_.core(); }

  /// How the application's clients reach the cluster; impatient, as virtual time costs nothing.
  [[nodiscard]] client_options to_cluster();
  /// Runs on the application's host until it ends.
  template <typename T>
  T run(rt::task<T> what) {
    return simulator_.run(app_, std::move(what));
  }

 private:
  testing::sim::simulator simulator_;
  testing::sim::host& kafka_;
  testing::sim::host& app_;
  std::optional<fake_broker> cluster_;
};

/// What a round came to.
struct round_result {
  std::map<std::string, result<delivery>> sent;
  /// By value.
  std::vector<std::string> read;
  std::optional<error> read_error;
  result<void> committed;
  result<void> closed;

  /// What isn't as it should be after a round in which nothing may fail for good; empty if all is well.
  [[nodiscard]] std::string problem() const;
};

/// A whole application in short: sends three records to one partition, reads them as the only member of a group,
/// commits, and closes both.
rt::task<round_result> run_round(playground& in, std::string topic, std::string group);

/// The round, and what the cluster holds afterwards: all three records once and in order, the group's offset behind
/// them. Empty if all is well.
[[nodiscard]] std::string round_problem(playground& in, const std::string& name);

/// The values of a partition's records.
[[nodiscard]] std::vector<std::string> values_of(const fake_broker& in, const topic_partition& of);

}  // namespace moldau::client
