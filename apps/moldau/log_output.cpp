#include "log_output.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>
#include <string>

namespace moldau::app {
namespace {

spdlog::level::level_enum to_spdlog(base::log_level level) {
  switch (level) {
    case base::log_level::trace:
      return spdlog::level::trace;
    case base::log_level::debug:
      return spdlog::level::debug;
    case base::log_level::info:
      return spdlog::level::info;
    case base::log_level::warn:
      return spdlog::level::warn;
    case base::log_level::error:
      return spdlog::level::err;
    case base::log_level::off:
      break;
  }
  return spdlog::level::off;
}

class stderr_log final : public base::log_sink {
 public:
  explicit stderr_log(log_format format)
      : format_(format), out_("moldau", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    out_.set_level(spdlog::level::trace);
    out_.set_pattern(format == log_format::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                                : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                     spdlog::pattern_time_type::utc);
    out_.flush_on(spdlog::level::info);
  }

  void write(base::log_level level, std::string_view component, std::string_view message) override {
    std::string line;
    if (format_ == log_format::json) {
      // A message may hold anything that a peer sent: bytes that aren't UTF-8 are replaced, never an exception.
      const nlohmann::json text = std::string(message);
      line = "\"component\":\"" + std::string(component) +
             "\",\"message\":" + text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    } else {
      line = std::string(component) + ": " + std::string(message);
    }
    out_.log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  log_format format_;
  spdlog::logger out_;
};

}  // namespace

std::unique_ptr<base::log_sink> make_stderr_log(log_format format) {
  return std::make_unique<stderr_log>(format);
}

}  // namespace moldau::app
