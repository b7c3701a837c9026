#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "rt/world.hpp"

namespace moldau::rt_asio {

/// Threads for calls that block. A thread starts when there is work and no thread is idle, up to a bound, and stays
/// until `stop`. Thread safe.
class worker_pool {
 public:
  explicit worker_pool(unsigned bound);
  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;
  ~worker_pool();

  /// Runs `what` on a worker and posts `then` to `home`. An exception that leaves `what` is thrown on `home`'s loop
  /// instead. After `stop` both are dropped.
  void run(rt::work what, rt::world& home, rt::work then);
  /// Finishes what was given before and ends the threads. Once `stop` has begun, call nothing but `run`.
  void stop();

 private:
  struct job {
    rt::work what;
    rt::world* home;
    rt::work then;
  };
  void loop();

  const unsigned bound_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<job> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace moldau::rt_asio
