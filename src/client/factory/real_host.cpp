#include "client/real_host.hpp"

#include <thread>

#include "rt_asio/host.hpp"

namespace moldau::client {
namespace {

class function_log final : public base::log_sink {
 public:
  explicit function_log(std::function<void(log_severity, std::string_view)> to) : to_(std::move(to)) {}

  void write(base::log_level level, std::string_view component, std::string_view message) override {
    if (!to_) return;
    const auto severity = level >= base::log_level::error  ? log_severity::error
                          : level == base::log_level::warn ? log_severity::warn
                          : level == base::log_level::info ? log_severity::info
                                                           : log_severity::debug;
    to_(severity, std::string(component) + ": " + std::string(message));
  }

 private:
  std::function<void(log_severity, std::string_view)> to_;
};

/// What the thread needs lives until it has ended, even if its owner goes on that very thread.
struct running {
  explicit running(std::function<void(log_severity, std::string_view)> to)
      : log(std::move(to)), host({.cores = 1, .workers = 2, .log = &log, .least = base::log_level::debug}) {}
  function_log log;
  rt_asio::host host;
};

class thread_host final : public real_host {
 public:
  explicit thread_host(std::function<void(log_severity, std::string_view)> log)
      : running_(std::make_shared<running>(std::move(log))), thread_([kept = running_] { kept->host.run(); }) {}

  ~thread_host() override {
    running_->host.stop();
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

  rt::world& world() override { return running_->host.core(0); }
  bool is_this_thread() const override { return thread_.get_id() == std::this_thread::get_id(); }

 private:
  std::shared_ptr<running> running_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<real_host> make_real_host(std::function<void(log_severity, std::string_view)> log) {
  return std::make_unique<thread_host>(std::move(log));
}

}  // namespace moldau::client
