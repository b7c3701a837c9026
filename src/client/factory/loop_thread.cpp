#include "client/loop_thread.hpp"

#include <string>
#include <utility>

#include "rt_asio/loop_thread.hpp"

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

}  // namespace

std::unique_ptr<rt::loop_thread> make_loop_thread(std::function<void(log_severity, std::string_view)> log) {
  return rt_asio::start_loop_thread({.workers = 2, .log = std::make_shared<function_log>(std::move(log))});
}

}  // namespace moldau::client
