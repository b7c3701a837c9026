#include "start.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/node.hpp"
#include "cli/io.hpp"
#include "config/broker_config.hpp"
#include "log_output.hpp"
#include "rt/spawn.hpp"
#include "rt_asio/host.hpp"

namespace moldau::app {
namespace {

constexpr int exit_usage = 2;
constexpr int exit_failed = 1;

base::log_level to_level(std::string_view name) {
  for (const auto level : {base::log_level::trace, base::log_level::debug, base::log_level::info, base::log_level::warn,
                           base::log_level::error}) {
    if (base::name(level) == name) return level;
  }
  return base::log_level::off;
}

/// Every connection and every segment takes a descriptor: as many as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

/// What is wrong is printed, as there may be no log to tell it to; what merely warns is left to the log.
std::optional<config::broker_config> load(const start_options& options, std::vector<std::string>& warnings) {
  config::loaded_broker_config loaded;
  std::string shown = "moldau";
  if (options.file) {
    shown = *options.file;
    const auto text = cli::io::read_file(*options.file);
    if (!text) {
      fmt::print(stderr, "moldau: cannot read {}\n", text.error().message);
      return std::nullopt;
    }
    loaded = config::broker_config::load(*text, options.overrides);
  } else {
    loaded = config::broker_config::default_standalone(options.overrides);
  }
  if (!loaded.config) {
    fmt::print(stderr, "{}{}", config::to_text(loaded.warnings, shown), config::to_text(loaded.errors, shown));
  }
  for (const config::mistake& one : loaded.warnings) {
    std::string line = config::to_text({&one, 1}, shown);
    while (line.ends_with('\n')) line.pop_back();
    warnings.push_back(std::move(line));
  }
  return std::move(loaded.config);
}

/// The node's life on core 0.
class run {
 public:
  run(rt_asio::host& host, std::shared_ptr<const config::broker_config> config, base::log_sink& log)
      : host_(host), config_(std::move(config)), log_(log) {}

  rt::task<void> main() {
    std::vector<rt::world*> cores;
    for (unsigned i = 0; i < host_.core_count(); ++i) cores.push_back(&host_.core(i));
    node_ = std::make_unique<broker::node>(broker::node::options{
        .cores = std::move(cores), .config = config_, .host_name = host_name(), .on_fatal = [this](const error&) {
          exit_code_ = exit_failed;
          host_.core(0).post([this] { end(false); });
        }});
    auto started = co_await node_->start();
    started_ = true;
    if (!started) {
      // Whatever the log's level: nobody should have to look for why a broker didn't start.
      log_.write(base::log_level::error, "moldau", started.error().message);
      exit_code_ = exit_failed;
      stopping_ = true;
      co_await node_->abandon();
      host_.stop();
      co_return;
    }
    for (const auto& listener : node_->listeners()) {
      fmt::print("moldau: {} on {}:{}\n", listener.name, listener.host, listener.port);
    }
    std::fflush(stdout);
    if (wanted_) end(*wanted_);
  }

  /// On core 0. A second request while the first is under way ends the process at once.
  void end(bool clean) {
    if (!started_) {
      wanted_ = clean;
      return;
    }
    if (std::exchange(stopping_, true)) return;
    rt::spawn([](run& self, bool is_clean) -> rt::task<void> {
      if (is_clean) {
        co_await self.node_->stop();
      } else {
        co_await self.node_->abandon();
      }
      self.host_.stop();
    }(*this, clean));
  }

  [[nodiscard]] int exit_code() const { return exit_code_; }

 private:
  rt_asio::host& host_;
  std::shared_ptr<const config::broker_config> config_;
  base::log_sink& log_;
  std::unique_ptr<broker::node> node_;
  std::optional<bool> wanted_;
  bool started_ = false;
  bool stopping_ = false;
  int exit_code_ = 0;
};

}  // namespace

int start(const start_options& options) {
  std::vector<std::string> warnings;
  auto config = load(options, warnings);
  if (!config) return exit_usage;
  raise_descriptor_limit();
  const auto log = make_stderr_log(config->string("moldau.log.format") == "json" ? log_format::json : log_format::text);
  const base::log_level least = to_level(config->string("moldau.log.level"));
  if (least <= base::log_level::warn) {
    for (const std::string& line : warnings) log->write(base::log_level::warn, "config", line);
  }
  rt_asio::host host({.cores = static_cast<unsigned>(config->int32("moldau.cores")), .log = log.get(), .least = least});
  run node(host, std::make_shared<const config::broker_config>(*std::move(config)), *log);
  // A terminal that is closed sends SIGHUP, which is an orderly stop to Kafka as well.
  host.on_signal({SIGTERM, SIGINT, SIGHUP}, [&](int) { node.end(true); });
  host.core(0).post([&] { rt::spawn(node.main()); });
  host.run();
  return node.exit_code();
}

}  // namespace moldau::app
