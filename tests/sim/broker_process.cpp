#include "tests/sim/broker_process.hpp"

#include <stdexcept>

#include "broker/node.hpp"

namespace moldau::scenarios {

broker_process::broker_process(testing::sim::host& on, const std::string& properties) : host_(on) {
  auto loaded = config::broker_config::load(properties);
  if (!loaded.config) throw std::invalid_argument(config::to_text(loaded.errors, "scenario"));
  config_ = std::make_shared<const config::broker_config>(*std::move(loaded.config));
}

void broker_process::start() {
  host_.start([this](testing::sim::host& on) { return run(on); });
}

void broker_process::restart() {
  ready_ = false;
  host_.restart();
}

void broker_process::stop() {
  if (!host_.running()) return;
  stop_wanted_ = true;
  host_.core().post([this] {
    if (wake_ != nullptr) wake_->notify_all();
  });
}

rt::task<void> broker_process::run(testing::sim::host& on) {
  rt::event wake;
  wake_ = &wake;
  ready_ = false;
  stop_wanted_ = false;
  failure_.reset();
  broker::node::options options;
  for (unsigned i = 0; i < on.core_count(); ++i) options.cores.push_back(&on.core(i));
  options.config = config_;
  options.on_fatal = [this, &on](const error& why) {
    failure_ = why;
    on.core().post([this] { wake_->notify_all(); });
  };
  broker::node node(std::move(options));
  const auto started = co_await node.start();
  if (!started) {
    if (!failure_) failure_ = started.error();
    co_await node.abandon();
    co_return;
  }
  ready_ = true;
  while (!stop_wanted_ && !failure_) co_await wake.wait();
  ready_ = false;
  if (failure_) {
    co_await node.abandon();
  } else {
    co_await node.stop();
  }
}

}  // namespace moldau::scenarios
