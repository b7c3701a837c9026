#include "moldau/testing/simulator.hpp"

#include <fmt/format.h>

#include <list>
#include <vector>

#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "testing/sim/seeds.hpp"
#include "testing/sim/simulator.hpp"

namespace moldau::testing {
namespace {

constexpr std::size_t report_lines = 100;

sim::options to_settings(const simulator_options& from, std::uint64_t seed) {
  sim::options out = from.weather == weather::rough ? sim::rough(seed) : sim::calm();
  out.wall_start_ms = from.start_ms;
  return out;
}

/// One process's loop, as a user's `executor`.
class host_executor final : public executor {
 public:
  explicit host_executor(rt::world& on) : on_(on) {}

  void post(work what) override {
    on_.post([w = std::move(what)]() mutable { w(); });
  }
  void post_at(time_point at, work what) override {
    std::erase_if(timers_, [](const auto& one) { return one->done; });
    auto made = std::make_shared<pending>();
    made->timer = on_.post_at(at, [made = std::weak_ptr(made), w = std::move(what)]() mutable {
      if (const auto self = made.lock()) self->done = true;
      w();
    });
    timers_.push_back(std::move(made));
  }
  [[nodiscard]] time_point now() const override { return on_.now(); }

 private:
  struct pending {
    std::unique_ptr<rt::timer> timer;
    bool done = false;
  };

  rt::world& on_;
  std::vector<std::shared_ptr<pending>> timers_;
};

rt::task<void> run_program(simulated_host& self, const simulated_host::program& make) {
  const std::shared_ptr<void> object = make(self);
  // Until the process is taken down, and the object with it.
  rt::event never;
  co_await never.wait();
}

}  // namespace

struct simulated_host::body {
  sim::host& on;
  program main;
  /// By process; what a dead one's clients still post goes nowhere.
  std::vector<std::unique_ptr<host_executor>> executors;

  explicit body(sim::host& host) : on(host) { add_executor(); }
  void add_executor() { executors.push_back(std::make_unique<host_executor>(on.core())); }
};

struct simulator::body {
  simulator_options options;
  std::unique_ptr<sim::simulator> own;
  sim::simulator* in = nullptr;
  std::list<std::unique_ptr<simulated_host>> hosts;

  body() = default;
  body(const body&) = delete;
  body& operator=(const body&) = delete;
  ~body() {
    // Programs end before what they refer to.
    for (const auto& host : hosts) host->kill();
  }
};

simulator::simulator(simulator_options options) : body_(std::make_unique<body>()) {
  body_->own = std::make_unique<sim::simulator>(options.seed, to_settings(options, options.seed));
  body_->in = body_->own.get();
}
simulator::simulator(std::unique_ptr<body> from) : body_(std::move(from)) {}
simulator::~simulator() = default;

simulated_host& simulator::add_host(std::string name) {
  sim::host& made = body_->in->add_host(std::move(name));
  return *body_->hosts.emplace_back(std::make_unique<simulated_host>(std::make_unique<simulated_host::body>(made)));
}

simulator::duration simulator::now() const {
  return body_->in->now();
}
std::uint64_t simulator::seed() const {
  return body_->in->seed();
}
std::uint64_t simulator::random() {
  return body_->in->random().next();
}
void simulator::run_for(duration time) {
  body_->in->run_for(time);
}
bool simulator::run_until(const std::function<bool()>& done, duration limit) {
  return body_->in->run_until(done, limit);
}
void simulator::partition(simulated_host& a, simulated_host& b) {
  body_->in->net().partition(a.body_->on, b.body_->on);
}
void simulator::isolate(simulated_host& alone) {
  body_->in->net().isolate(alone.body_->on);
}
void simulator::heal() {
  body_->in->net().heal_all();
}
void simulator::cut(simulated_host& a, simulated_host& b) {
  body_->in->net().cut(a.body_->on, b.body_->on);
}
std::uint64_t simulator::trace_hash() const {
  return body_->in->trace_hash();
}
std::string simulator::report() const {
  return body_->in->report(report_lines);
}

bool simulator::for_each_seed(const simulator_options& first, std::uint64_t count,
                              const std::function<bool(simulator&)>& scenario) {
  bool failed = false;
  return sim::for_each_seed({.first = first.seed,
                             .count = count,
                             .settings = [&](std::uint64_t seed) { return to_settings(first, seed); },
                             .failed = [&] { return failed; },
                             .log_lines = report_lines},
                            [&](sim::simulator& in) {
                              auto inside = std::make_unique<body>();
                              inside->in = &in;
                              simulator one(std::move(inside));
                              failed = !scenario(one);
                            });
}

simulated_host::simulated_host(std::unique_ptr<body> from) : body_(std::move(from)) {}
simulated_host::~simulated_host() = default;

const std::string& simulated_host::name() const {
  return body_->on.name();
}
moldau::world simulated_host::world() const {
  return moldau::world(body_->on.core());
}
executor& simulated_host::executor() {
  return *body_->executors.back();
}
std::int64_t simulated_host::wall_ms() const {
  return body_->on.wall_ms();
}

void simulated_host::start(program what) {
  body_->main = std::move(what);
  body_->on.start([this](sim::host&) { return run_program(*this, body_->main); });
}
bool simulated_host::running() const {
  return body_->on.running();
}
void simulated_host::kill() {
  body_->on.kill();
}
void simulated_host::cut_power() {
  body_->on.crash();
}
void simulated_host::restart() {
  body_->on.restart();
  body_->add_executor();
}
void simulated_host::pause(simulator::duration time) {
  body_->on.pause(time);
}
void simulated_host::step_clock(std::chrono::milliseconds by) {
  body_->on.step_clock(by.count());
}

}  // namespace moldau::testing
