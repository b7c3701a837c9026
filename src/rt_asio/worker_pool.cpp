#include "rt_asio/worker_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace moldau::rt_asio {

worker_pool::worker_pool(unsigned bound) : bound_(std::max(bound, 1U)) {}

worker_pool::~worker_pool() {
  stop();
}

void worker_pool::run(rt::work what, rt::world& home, rt::work then) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  jobs_.push_back({.what = std::move(what), .home = &home, .then = std::move(then)});
  // Those woken a moment ago still count as idle, hence the comparison with the queue's length.
  if (idle_ >= jobs_.size()) {
    more_.notify_one();
  } else if (threads_.size() < bound_) {
    threads_.emplace_back([this] { loop(); });
  }
}

void worker_pool::stop() {
  std::vector<std::thread> ending;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ending.swap(threads_);
  }
  more_.notify_all();
  for (auto& each : ending) each.join();
}

void worker_pool::loop() {
  pthread_setname_np(pthread_self(), "moldau-worker");
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    more_.wait(lock, [this] { return !jobs_.empty() || stopping_; });
    --idle_;
    if (jobs_.empty()) return;
    job next = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    try {
      next.what();
      next.home->post(std::move(next.then));
    } catch (...) {
      next.home->post([failure = std::current_exception()] { std::rethrow_exception(failure); });
    }
    next = {};
    lock.lock();
  }
}

}  // namespace moldau::rt_asio
