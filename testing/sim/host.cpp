#include "testing/sim/host.hpp"

#include "rt/spawn.hpp"
#include "testing/sim/process.hpp"

namespace moldau::testing::sim {

host::host(const machinery& shared, host_index index, std::string name, unsigned cores)
    : shared_(shared),
      index_(index),
      name_(std::move(name)),
      cores_(cores),
      disk_(shared.queue, shared.queue.random().split(), shared.settings.disk),
      log_sink_(shared.logs.sink_for(name_)) {
  const auto skew = static_cast<std::uint64_t>(shared.settings.wall_skew_max_ms);
  wall_offset_ms_ = shared.settings.wall_start_ms - static_cast<std::int64_t>(skew) +
                    static_cast<std::int64_t>(shared.queue.random().between(0, 2 * skew));
  disk_.when_crashed([this](ending how) { end(how); });
  processes_.push_back(std::make_unique<process>(shared_, *this, cores_, 1));
}

host::~host() {
  end(ending::killed);
}

rt::world& host::core(unsigned index) {
  return processes_.back()->core(index);
}

bool host::running() const {
  return !processes_.back()->dead();
}

std::uint64_t host::incarnation() const {
  return processes_.size();
}

rt::task<void> host::run_program() {
  co_await main_(*this);
  end(ending::exited);
}

void host::start(program main) {
  MOLDAU_ASSERT(running());
  main_ = std::move(main);
  core(0).post([this] { rt::spawn(run_program()); });
}

void host::crash(const power_cut& how) {
  const power_cut usual = std::exchange(disk_.faults().power_cut, how);
  crash();
  disk_.faults().power_cut = usual;
}

void host::spawn(rt::task<void> what, unsigned on) {
  core(on).post([w = std::move(what)]() mutable { rt::spawn(std::move(w)); });
}

void host::end(ending how) {
  process& current = *processes_.back();
  if (current.dead() && how == ending::power_cut && ended_ != ending::power_cut) {
    // Nobody was at home, but the page cache was.
    disk_.cut_power(disk_.faults().power_cut);
    shared_.net.set(index_, paths::state::dark);
    ended_ = how;
  }
  if (current.dead()) return;
  ended_ = how;
  const bool power = how != ending::power_cut;
  shared_.net.abandon(index_, power);
  shared_.net.set(index_, power ? paths::state::idle : paths::state::dark);
  if (!power) disk_.cut_power(disk_.faults().power_cut);
  disk_.disarm();
  current.end();
}

void host::restart() {
  if (running()) kill();
  MOLDAU_ASSERT(shared_.queue.running() == nullptr || shared_.queue.running() != processes_.back().get());
  ended_.reset();
  processes_.push_back(std::make_unique<process>(shared_, *this, cores_, processes_.size() + 1));
  shared_.net.set(index_, paths::state::running);
  if (main_) start(std::move(main_));
}

void host::pause(rt::duration time) {
  for (unsigned i = 0; i < cores_; ++i) processes_.back()->core(i).stop_for(time);
}

std::int64_t host::wall_ms() const {
  return wall_offset_ms_ + std::chrono::duration_cast<std::chrono::milliseconds>(shared_.queue.now()).count();
}

}  // namespace moldau::testing::sim
