#pragma once

#include <array>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <mutex>
#include <vector>

#include "rt/spawn.hpp"
#include "rt/world.hpp"
#include "rt_asio/posix_file_system.hpp"
#include "rt_asio/timer_queue.hpp"
#include "rt_asio/worker_pool.hpp"

namespace moldau::rt_asio {

class core_world;

/// The worlds of one host, for finding one another.
using core_list = std::vector<std::unique_ptr<core_world>>;

/// One core: an Asio context that one thread runs, and the world that work on it sees.
class core_world final : public rt::world {
 public:
  core_world(unsigned index, const core_list& all, worker_pool& workers, const base::logger& log);
  ~core_world() override;
  core_world(const core_world&) = delete;
  core_world& operator=(const core_world&) = delete;

  /// Runs the loop on this thread until `stop`.
  void run();
  /// Any thread. Drops what is posted from now on.
  void stop();
  /// Drops what was never run, and then (on all cores, when all have dropped theirs) takes down the coroutines that
  /// still wait. After `run`; any thread.
  void drop_pending();
  void drop_coroutines() { frames_.destroy_all(); }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  rt::time_point now() const override { return std::chrono::steady_clock::now(); }
  std::int64_t wall_ms() const override;
  /// From the system's generator, a block at a time.
  std::uint64_t random() override;
  void post(rt::work what) override;
  std::unique_ptr<rt::timer> post_at(rt::time_point at, rt::work what) override;
  unsigned core() const override { return index_; }
  unsigned core_count() const override { return static_cast<unsigned>(all_.size()); }
  rt::world& on_core(unsigned index) override { return *all_[index]; }
  rt::file_system& files() override { return files_; }
  rt::transport& net() override { return *net_; }
  const base::logger& log() const override { return log_; }
  void run_on_worker(rt::work what, rt::work then) override;

 private:
  using system_timer =
      boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                        boost::asio::io_context::executor_type>;

  /// Hands out the one piece of memory that a scheduled `drain` takes: there is never more than one.
  template <typename T>
  class drain_memory;

  void schedule_drain();
  void drain();
  void arm_timer();
  void timer_fired();

  const unsigned index_;
  const core_list& all_;
  worker_pool& workers_;
  const base::logger log_;
  posix_file_system files_;

  boost::asio::io_context context_;
  std::unique_ptr<rt::transport> net_;

  rt::detached_frames frames_;
  timer_queue timers_;
  system_timer system_timer_;
  std::optional<rt::time_point> armed_for_;
  bool firing_ = false;

  /// Guards the three below.
  std::mutex mutex_;
  std::vector<rt::work> queue_;
  bool drain_scheduled_ = false;
  bool stopped_ = false;
  alignas(std::max_align_t) std::array<std::byte, 256> drain_memory_;
  bool drain_memory_taken_ = false;
  /// What `drain` is working through; keeps its memory from round to round.
  std::vector<rt::work> running_;

  std::array<std::uint64_t, 32> random_block_{};
  std::size_t random_left_ = 0;
};

}  // namespace moldau::rt_asio
