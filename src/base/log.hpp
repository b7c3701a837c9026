#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace moldau::base {

enum class log_level : unsigned char { trace, debug, info, warn, error, off };

[[nodiscard]] std::string_view name(log_level level);

/// Where log lines go. Implemented by whoever runs the process (or by a test, or by the simulator).
/// Called from any core's thread.
class log_sink {
 public:
  virtual ~log_sink() = default;
  /// `component` is the folder that speaks ("storage"), `message` one line without its end.
  virtual void write(log_level level, std::string_view component, std::string_view message) = 0;
};

/// A component's handle on a sink; cheap to copy. A default-made one is silent. The sink must outlive it.
class logger {
 public:
  logger() = default;
  logger(log_sink& sink, std::string_view component, log_level least)
      : sink_(&sink), component_(component), least_(least) {}

  [[nodiscard]] bool on(log_level level) const { return sink_ != nullptr && level >= least_; }
  /// The same sink under another component's name, which must be a literal.
  [[nodiscard]] logger named(std::string_view component) const {
    logger out = *this;
    out.component_ = component;
    return out;
  }

  template <typename... Args>
  void trace(fmt::format_string<Args...> format, Args&&... args) const {
    write(log_level::trace, format, args...);
  }
  template <typename... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) const {
    write(log_level::debug, format, args...);
  }
  template <typename... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) const {
    write(log_level::info, format, args...);
  }
  template <typename... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) const {
    write(log_level::warn, format, args...);
  }
  template <typename... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) const {
    write(log_level::error, format, args...);
  }

 private:
  template <typename... Args>
  void write(log_level level, fmt::string_view format, Args&&... args) const {
    if (on(level)) sink_->write(level, component_, fmt::vformat(format, fmt::make_format_args(args...)));
  }

  log_sink* sink_ = nullptr;
  std::string_view component_;
  log_level least_ = log_level::off;
};

}  // namespace moldau::base
