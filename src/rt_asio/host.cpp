#include "rt_asio/host.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <boost/asio/signal_set.hpp>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "rt_asio/core.hpp"

namespace moldau::rt_asio {
namespace {

unsigned usable_cpus() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT(&allowed));
}

/// Keeps SIGPIPE from this thread: sendfile to a peer that is gone raises it and, unlike send, can't be told not to.
/// The process's own disposition stays as the application wants it.
class no_broken_pipe_signal {
 public:
  no_broken_pipe_signal() {
    ::sigemptyset(&only_pipe_);
    ::sigaddset(&only_pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &only_pipe_, &before_);
  }
  no_broken_pipe_signal(const no_broken_pipe_signal&) = delete;
  no_broken_pipe_signal& operator=(const no_broken_pipe_signal&) = delete;
  ~no_broken_pipe_signal() {
    if (::sigismember(&before_, SIGPIPE) != 0) return;
    // Take what came meanwhile, or it would strike now.
    const timespec at_once{};
    while (::sigtimedwait(&only_pipe_, nullptr, &at_once) == SIGPIPE) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t only_pipe_{};
  sigset_t before_{};
};

}  // namespace

struct host::state {
  explicit state(const options& chosen)
      : workers(chosen.workers),
        log(chosen.log != nullptr ? base::logger(*chosen.log, "rt", chosen.least) : base::logger()) {
    const unsigned count = chosen.cores != 0 ? chosen.cores : usable_cpus();
    for (unsigned i = 0; i < count; ++i) cores.push_back(std::make_unique<core_world>(i, cores, workers, log));
  }

  /// Runs a core; an exception that leaves it ends the host.
  void run_core(unsigned index) {
    const no_broken_pipe_signal guard;
    try {
      cores[index]->run();
    } catch (...) {
      {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
      stop();
    }
  }
  void stop() {
    for (auto& each : cores) each->stop();
  }
  /// Last core first: core 0 usually starts everything, so that what its coroutines own goes last.
  void drop_everything() {
    workers.stop();
    for (auto& each : cores) each->drop_pending();
    for (auto each = cores.rbegin(); each != cores.rend(); ++each) (*each)->drop_coroutines();
  }
  void watch(const std::shared_ptr<std::function<void(int)>>& what) {
    signals->async_wait([this, what](const boost::system::error_code& failed, int number) {
      if (failed) return;
      watch(what);
      (*what)(number);
    });
  }

  worker_pool workers;
  base::logger log;
  core_list cores;
  std::optional<boost::asio::signal_set> signals;
  std::mutex mutex;
  std::exception_ptr failure;
};

host::host(options chosen) : state_(std::make_unique<state>(chosen)) {}

host::~host() {
  state_->drop_everything();
}

unsigned host::core_count() const {
  return static_cast<unsigned>(state_->cores.size());
}

rt::world& host::core(unsigned index) {
  return *state_->cores[index];
}

void host::run() {
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < core_count(); ++i) {
    threads.emplace_back([this, i] {
      pthread_setname_np(pthread_self(), ("moldau-core-" + std::to_string(i)).c_str());
      state_->run_core(i);
    });
  }
  state_->run_core(0);
  for (auto& each : threads) each.join();
  state_->drop_everything();
  if (state_->failure) std::rethrow_exception(state_->failure);
}

void host::stop() {
  state_->stop();
}

void host::on_signal(const std::vector<int>& signals, std::function<void(int)> what) {
  state_->signals.emplace(state_->cores.front()->context());
  for (const int each : signals) state_->signals->add(each);
  state_->watch(std::make_shared<std::function<void(int)>>(std::move(what)));
}

}  // namespace moldau::rt_asio
