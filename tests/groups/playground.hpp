#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "moldau/client/consumer.hpp"
#include "testing/sim/simulator.hpp"
#include "tests/sim/broker_process.hpp"

namespace moldau::client {

using namespace std::chrono_literals;
namespace sim = moldau::testing::sim;

/// An application that polls in a loop, and what it saw.
class reader {
 public:
  reader(sim::host& on, consumer_options options);
  ~reader();

  /// Subscribes and begins to poll.
  void subscribe(std::vector<std::string> topics);
  void subscribe_matching(std::string expression);
  void start_polling();
  /// Stops polling; what it holds stays its own.
  void stop_polling() { polling_ = false; }
  /// Closes the consumer and waits for that.
  [[nodiscard]] bool is_closed() const { return closed_; }
  void close(close_options how = {});

  [[nodiscard]] consumer& client() { return *consumer_; }
  [[nodiscard]] sim::host& host() { return host_; }
  [[nodiscard]] rebalance_listener listener();

  /// "value" of each record, in the order of their coming.
  std::vector<std::string> seen;
  std::set<topic_partition> owned;
  /// "+t-0 t-1", "-t-0", "!t-0" as the listener was told.
  std::vector<std::string> told;
  std::vector<error> failures;
  /// Handed to `rebalance_listener::before_revoked`.
  std::function<async<void>(const std::vector<topic_partition>&)> before_revoked;
  /// Of each poll.
  std::chrono::milliseconds poll_timeout{100};

 private:
  rt::task<void> loop();
  void note(char what, const std::vector<topic_partition>& which);

  sim::host& host_;
  std::unique_ptr<consumer> consumer_;
  bool polling_ = false;
  bool closed_ = false;
};

/// A broker and hosts for its clients.
class Groups : public ::testing::Test {
 protected:
  Groups();

  sim::host& add_host(const std::string& name) { return world.add_host(name); }
  consumer_options options(sim::host& on, std::string group = "g");
  reader& add_reader(const std::string& name, std::function<void(consumer_options&)> change = {});

  void create_topic(const std::string& name, std::int32_t partitions);
  /// Each value a record, in one batch.
  void produce(const std::string& topic, std::int32_t partition, const std::vector<std::string>& values,
               std::int64_t timestamp_ms = 1);

  /// What a call comes to.
  template <typename T>
  result<T> await(sim::host& on, async<T> call) {
    return world.run(on,
                     [](async<T> what) -> rt::task<result<T>> { co_return co_await std::move(what); }(std::move(call)));
  }
  bool until(const std::function<bool()>& done, rt::duration limit = 2min) { return world.run_until(done, limit); }
  /// Everyone's partitions: all of the topic's, none twice.
  [[nodiscard]] bool covers(const std::string& topic, std::int32_t partitions) const;
  /// `covers`, and it stays so for a while.
  bool settles(const std::string& topic, std::int32_t partitions);

  sim::simulator world{7};
  sim::host& broker_host = world.add_host("broker", 2);
  sim::host& tools = world.add_host("tools");
  scenarios::broker_process broker;
  std::list<reader> readers;
};

[[nodiscard]] std::vector<topic_partition> of(const std::string& topic, std::initializer_list<int> partitions);

}  // namespace moldau::client
