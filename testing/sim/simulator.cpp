#include "testing/sim/simulator.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::testing::sim {

simulator::simulator(std::uint64_t seed, options settings)
    : seed_(seed),
      settings_(std::move(settings)),
      queue_(seed, settings_.event_cost_max),
      random_(random_source::mix(~seed)),
      logs_(queue_, settings_.log_lines),
      net_(queue_, queue_.random().split(), settings_.network),
      shared_{settings_, queue_, net_, logs_} {}

host& simulator::add_host(std::string name, unsigned cores) {
  MOLDAU_ASSERT(std::ranges::none_of(hosts_, [&](const auto& known) { return known->name() == name; }));
  const host_index index = net_.routes().add(name);
  return *hosts_.emplace_back(std::make_unique<host>(shared_, index, std::move(name), cores));
}

host& simulator::host_named(std::string_view name) {
  const auto found = std::ranges::find(hosts_, name, [](const auto& known) { return known->name(); });
  MOLDAU_ASSERT(found != hosts_.end());
  return **found;
}

std::string simulator::report(std::size_t log_lines) const {
  return fmt::format(
      "{}seed {} after {} events, {:.6f} s of virtual time, trace {:016x}\n"
      "MOLDAU_SIM_SEED={} runs it again\n",
      logs_.tail(log_lines), seed_, queue_.events(), static_cast<double>(now().count()) / 1e9, queue_.trace_hash(),
      seed_);
}

bool simulator::step() {
  return queue_.step(rt::duration::max()) == scheduler::outcome::ran;
}

void simulator::run_for(rt::duration time) {
  const rt::duration limit = now() + time;
  while (queue_.step(limit) == scheduler::outcome::ran) {
  }
  queue_.skip_to(limit);
}

bool simulator::run_until(const std::function<bool()>& done, rt::duration limit) {
  const rt::duration until = now() + limit;
  while (!done()) {
    if (queue_.step(until) != scheduler::outcome::ran) return done();
  }
  return true;
}

}  // namespace moldau::testing::sim
