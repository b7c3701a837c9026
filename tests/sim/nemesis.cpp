#include "tests/sim/nemesis.hpp"

#include <fmt/format.h>

#include <chrono>

namespace moldau::scenarios {
namespace {

using namespace std::chrono_literals;
namespace sim = moldau::testing::sim;

/// From a start to its listeners' answering, with the slowest disk.
constexpr rt::duration start_limit = 10min;
/// From a failing disk to the broker's own end.
constexpr rt::duration stop_limit = 10min;

sim::power_cut some_cut(sim::random_source& random) {
  switch (random.below(4)) {
    case 0:
      return sim::power_cut::lose_all();
    case 1:
      return sim::power_cut::tear_all();
    case 2:
      return sim::power_cut::keep_all();
    default:
      return {};
  }
}

}  // namespace

std::string_view name(fault what) {
  switch (what) {
    case fault::kill:
      return "kill";
    case fault::power_cut:
      return "power_cut";
    case fault::crash_point:
      return "crash_point";
    case fault::stop:
      return "stop";
    case fault::pause:
      return "pause";
    case fault::clock_step:
      return "clock_step";
    case fault::cut:
      return "cut";
    case fault::partition:
      return "partition";
    case fault::slow_network:
      return "slow_network";
    case fault::slow_disk:
      return "slow_disk";
    case fault::disk_full:
      return "disk_full";
    case fault::failing_sync:
      return "failing_sync";
    case fault::failing_write:
      return "failing_write";
    case fault::read_only_disk:
      return "read_only_disk";
  }
  return "";
}

const std::vector<fault>& all_faults() {
  static const std::vector<fault> all{
      fault::kill,       fault::power_cut,    fault::crash_point,   fault::stop,          fault::pause,
      fault::clock_step, fault::cut,          fault::partition,     fault::slow_network,  fault::slow_disk,
      fault::disk_full,  fault::failing_sync, fault::failing_write, fault::read_only_disk};
  return all;
}

nemesis::nemesis(sim::simulator& world, broker_process& broker, std::vector<sim::host*> clients, record_ledger& records,
                 verdict& out)
    : world_(world),
      broker_(broker),
      clients_(std::move(clients)),
      records_(records),
      out_(out),
      disk_before_(broker.host().disk().faults()) {}

rt::duration nemesis::up_to(rt::duration most) {
  return rt::duration(world_.random().below(static_cast<std::uint64_t>(most.count())));
}

void nemesis::start() {
  broker_.start();
  if (!world_.run_until([&] { return broker_.ready() || !broker_.host().running(); }, start_limit) ||
      !broker_.ready()) {
    out_.fail(fmt::format("the first start failed: {}",
                          broker_.failure() ? broker_.failure()->message : "it takes too long"));
  }
}

void nemesis::live(rt::duration time) {
  world_.run_until([&] { return !broker_.host().running(); }, time);
  if (broker_.host().running() || disk_fails_) return;
  out_.fail(fmt::format("the broker has ended by itself: {}",
                        broker_.failure() ? broker_.failure()->message : "without a word"));
  end_of_process(*broker_.host().ended());
  revive();
}

void nemesis::end_of_process(sim::ending how) {
  if (how == sim::ending::power_cut) {
    records_.power_was_cut();
  } else {
    records_.process_ended();
  }
}

void nemesis::wait_for_end(rt::duration at_most) {
  world_.run_until([&] { return !broker_.host().running(); }, at_most);
}

void nemesis::heal_disk() {
  sim::disk& disk = broker_.host().disk();
  disk.set_read_only(false);
  disk.forget_failures();
  disk.disarm();
  disk.faults() = disk_before_;
  disk_fails_ = false;
}

void nemesis::revive() {
  sim::host& host = broker_.host();
  heal_disk();
  if (world_.random().chance(0.5)) world_.run_for(up_to(2s));
  broker_.restart();
  // It may be struck again while it starts.
  for (int strikes = 0; strikes < 3 && world_.random().chance(0.2); ++strikes) {
    world_.run_for(up_to(50ms));
    if (!host.running()) break;
    if (world_.random().chance(0.5)) {
      host.kill();
      records_.process_ended();
    } else {
      host.crash(some_cut(world_.random()));
      records_.power_was_cut();
    }
    broker_.restart();
  }
  if (!world_.run_until([&] { return broker_.ready() || !host.running(); }, start_limit)) {
    out_.fail("the broker doesn't become ready");
  } else if (!broker_.ready()) {
    out_.fail(fmt::format("the broker doesn't start again: {}",
                          broker_.failure() ? broker_.failure()->message : "it ends without a word"));
  }
}

void nemesis::strike(const std::vector<fault>& choices) {
  live(up_to(1500ms));
  if (!out_.passed()) return;
  const fault what = choices[world_.random().below(choices.size())];
  world_.logs().add("nemesis", base::log_level::warn, "nemesis", name(what));
  strike(what);
}

void nemesis::strike(fault what) {
  sim::host& host = broker_.host();
  sim::disk& disk = host.disk();
  sim::random_source& random = world_.random();
  sim::host& client = *clients_[random.below(clients_.size())];
  switch (what) {
    case fault::kill:
      host.kill();
      records_.process_ended();
      return revive();
    case fault::power_cut:
      host.crash(some_cut(random));
      records_.power_was_cut();
      return revive();
    case fault::crash_point: {
      const bool power = random.chance(0.7);
      disk.faults().power_cut = some_cut(random);
      disk_fails_ = true;
      disk.crash_at_change(1 + random.below(300), power ? sim::ending::power_cut : sim::ending::killed);
      wait_for_end(20s);
      disk_fails_ = false;
      if (host.running()) return heal_disk();
      end_of_process(*host.ended());
      return revive();
    }
    case fault::stop:
      broker_.stop();
      disk_fails_ = true;
      wait_for_end(stop_limit);
      disk_fails_ = false;
      if (host.running()) {
        out_.fail("the broker doesn't stop");
        host.kill();
      } else if (broker_.failure()) {
        out_.fail(fmt::format("a clean stop failed: {}", broker_.failure()->message));
      }
      records_.stopped();
      return revive();
    case fault::pause:
      host.pause(up_to(15s));
      return live(up_to(20s));
    case fault::clock_step: {
      // And back: records from more than an hour ahead of the broker are refused.
      const auto by_ms = static_cast<std::int64_t>(random.below(6'000'000)) - 3'000'000;
      host.step_clock(by_ms);
      live(up_to(5s));
      return host.step_clock(-by_ms);
    }
    case fault::cut:
      world_.net().cut(host, client, random.chance(0.5));
      return live(up_to(2s));
    case fault::partition:
      if (random.chance(0.5)) {
        world_.net().partition(host, client);
      } else if (random.chance(0.5)) {
        world_.net().block(host, client);
      } else {
        world_.net().block(client, host);
      }
      live(up_to(20s));
      return world_.net().heal_all();
    case fault::slow_network: {
      const auto before = world_.net().settings();
      world_.net().settings().slow = 0.3;
      world_.net().settings().latency.most = 200ms;
      live(up_to(5s));
      world_.net().settings() = before;
      return;
    }
    case fault::slow_disk:
      disk.faults().slow = 0.1;
      live(up_to(10s));
      return heal_disk();
    case fault::disk_full:
      disk_fails_ = true;
      disk.faults().capacity_bytes = disk.image().allocated() + random.below(100'000);
      break;
    case fault::failing_sync:
      disk_fails_ = true;
      disk.fail_nth(sim::disk_op::sync, 1 + random.below(20));
      break;
    case fault::failing_write:
      disk_fails_ = true;
      disk.fail_nth(sim::disk_op::write, 1 + random.below(20), random.chance(0.5) ? errc::io_error : errc::disk_full);
      break;
    case fault::read_only_disk:
      disk_fails_ = true;
      disk.set_read_only(true);
      break;
  }
  // The broker meets the fault sooner or later, and has to end by itself, with a sentence.
  wait_for_end(30s);
  if (host.running() && disk.failures_to_come() == 0 && what != fault::disk_full) wait_for_end(stop_limit);
  if (host.running()) {
    if (what != fault::disk_full && disk.failures_to_come() == 0) out_.fail("the broker goes on over a failing disk");
    return heal_disk();
  }
  if (!broker_.failure()) out_.fail("the broker has ended over a failing disk without a word");
  records_.process_ended();
  revive();
}

void nemesis::relent() {
  // What is left to do shall come to its end soon.
  world_.net().heal_all();
  world_.net().settings() = {};
  disk_before_ = {};
  heal_disk();
  if (!broker_.host().running()) revive();
}

}  // namespace moldau::scenarios
