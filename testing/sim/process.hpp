#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "rt/world.hpp"
#include "testing/sim/file_system.hpp"
#include "testing/sim/log_book.hpp"
#include "testing/sim/network.hpp"
#include "testing/sim/scheduler.hpp"
#include "testing/sim/transport.hpp"

namespace moldau::testing::sim {

class host;
class process;

/// What all hosts of a simulation share.
struct machinery {
  const options& settings;
  scheduler& queue;
  network& net;
  log_book& logs;
};

/// One core of a process, as its program sees it. Once the process is dead, calls do nothing and what they are given is
/// destroyed.
class core_world final : public rt::world {
 public:
  core_world(const machinery& shared, host& on, process& in, unsigned index, std::uint64_t id);

  [[nodiscard]] rt::time_point now() const override;
  [[nodiscard]] std::int64_t wall_ms() const override;
  [[nodiscard]] std::uint64_t random() override { return random_.next(); }
  void post(rt::work what) override;
  [[nodiscard]] std::unique_ptr<rt::timer> post_at(rt::time_point at, rt::work what) override;
  [[nodiscard]] unsigned core() const override { return index_; }
  [[nodiscard]] unsigned core_count() const override;
  [[nodiscard]] rt::world& on_core(unsigned index) override;
  [[nodiscard]] rt::file_system& files() override;
  [[nodiscard]] rt::transport& net() override { return transport_; }
  [[nodiscard]] const base::logger& log() const override { return log_; }
  void run_on_worker(rt::work what, rt::work then) override;

  void stop_for(rt::duration time);

 private:
  const machinery& shared_;
  host& host_;
  process& process_;
  unsigned index_;
  core_queue queue_;
  random_source random_;
  simulated_transport transport_;
  base::logger log_;
};

/// One run of a host's program, from start to exit, kill or power cut. Stays, dead, until the simulation's end, as
/// objects outside may still refer to its worlds.
class process final : public actor {
 public:
  process(const machinery& shared, host& on, unsigned cores, std::uint64_t number);
  ~process() override { frames_.destroy_all(); }

  [[nodiscard]] core_world& core(unsigned index) { return *cores_.at(index); }
  [[nodiscard]] unsigned core_count() const { return static_cast<unsigned>(cores_.size()); }
  [[nodiscard]] rt::file_system& files() { return files_; }
  /// Added to virtual time, it makes the monotonic clock, which doesn't go on from that of an earlier run.
  [[nodiscard]] rt::duration clock_origin() const { return clock_origin_; }

  /// Nothing of it runs any more from now on. What it has suspended is destroyed at once, or, when called from its own
  /// code, after the running event.
  void end();
  void bury() override;
  void run_on_worker(core_world& home, rt::work what, rt::work then);

 private:
  struct job {
    core_world* home;
    rt::work what;
    rt::work then;
  };

  void hand_out_work();
  void run_job(std::uint64_t id);

  const machinery& shared_;
  rt::duration clock_origin_;
  simulated_file_system files_;
  std::vector<std::unique_ptr<core_world>> cores_;
  std::deque<job> waiting_;
  /// With a worker each; by number.
  std::map<std::uint64_t, job> running_;
  std::uint64_t jobs_ = 0;
  bool buried_ = false;
};

}  // namespace moldau::testing::sim
