#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/broker_config.hpp"
#include "moldau/core/result.hpp"
#include "rt/event.hpp"
#include "rt/task.hpp"
#include "testing/sim/host.hpp"

namespace moldau::scenarios {

/// A whole broker as the program of a simulated host: what `moldau start` does, with its end in the scenario's hands.
class broker_process {
 public:
  /// `properties` is the text of a server.properties file.
  broker_process(testing::sim::host& on, const std::string& properties);
  broker_process(const broker_process&) = delete;
  broker_process& operator=(const broker_process&) = delete;

  [[nodiscard]] testing::sim::host& host() { return host_; }
  void start();
  /// A new process over the disk as it is; one that still runs is killed.
  void restart();
  /// Asks for a clean stop, as SIGTERM does. The process exits by itself.
  void stop();

  /// Its listeners answer.
  [[nodiscard]] bool ready() const { return host_.running() && ready_; }
  /// Why it stopped or didn't start by itself; nothing if it didn't.
  [[nodiscard]] const std::optional<error>& failure() const { return failure_; }

 private:
  rt::task<void> run(testing::sim::host& on);

  testing::sim::host& host_;
  std::shared_ptr<const config::broker_config> config_;
  rt::event* wake_ = nullptr;
  bool ready_ = false;
  bool stop_wanted_ = false;
  std::optional<error> failure_;
};

}  // namespace moldau::scenarios
