#include "rt_asio/loop_thread.hpp"

#include <thread>
#include <utility>

#include "rt_asio/host.hpp"

namespace moldau::rt_asio {
namespace {

/// What the thread needs lives until it has ended, even if its owner goes on that very thread.
struct running {
  explicit running(loop_thread_options chosen)
      : log(std::move(chosen.log)),
        all({.cores = 1, .workers = chosen.workers, .log = log.get(), .least = base::log_level::debug}) {}
  std::shared_ptr<base::log_sink> log;
  host all;
};

class thread_of_its_own final : public rt::loop_thread {
 public:
  explicit thread_of_its_own(loop_thread_options chosen)
      : running_(std::make_shared<running>(std::move(chosen))), thread_([kept = running_] { kept->all.run(); }) {}

  ~thread_of_its_own() override {
    running_->all.stop();
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

  rt::world& world() override { return running_->all.core(0); }
  bool is_this_thread() const override { return thread_.get_id() == std::this_thread::get_id(); }

 private:
  std::shared_ptr<running> running_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<rt::loop_thread> start_loop_thread(loop_thread_options chosen) {
  return std::make_unique<thread_of_its_own>(std::move(chosen));
}

}  // namespace moldau::rt_asio
