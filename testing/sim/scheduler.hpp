#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "rt/spawn.hpp"
#include "rt/world.hpp"
#include "testing/sim/random.hpp"

namespace moldau::testing::sim {

/// Thrown, once, out of the file call in which a simulated machine loses its power: it unwinds the program's code up to
/// the scheduler. Never caught by the program but for `catch (...)`; what such code does afterwards has no effect.
struct host_crashed {};

/// Whose code an event runs: one process on one host. Once dead, nothing of it runs again.
class actor {
 public:
  actor() = default;
  actor(const actor&) = delete;
  actor& operator=(const actor&) = delete;
  virtual ~actor() = default;

  [[nodiscard]] bool dead() const { return dead_; }
  [[nodiscard]] rt::detached_frames& frames() { return frames_; }
  /// Destroys what is left of it. The scheduler calls it after the event in which the actor died.
  virtual void bury() = 0;

 protected:
  bool dead_ = false;
  rt::detached_frames frames_;
};

/// What is posted to one core, in order.
struct core_queue {
  actor& owner;
  std::uint64_t id;
  std::deque<rt::work> items;
  /// The core computes (or is stopped) until then.
  rt::duration busy_until{0};
};

/// The one loop under a simulation: runs one event after the other on the caller's thread, and owns virtual time.
///
/// Which of the cores that have something to do goes next is drawn by seed. Time stands still while some core is ready,
/// but for what events cost; otherwise it jumps to the next thing that is due. Nothing here depends on an address.
class scheduler {
 public:
  /// When, and in which order of asking among the same.
  using event_key = std::pair<rt::duration, std::uint64_t>;

  scheduler(std::uint64_t seed, rt::duration event_cost_max) : random_(seed), event_cost_max_(event_cost_max) {}
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  /// Since the start of the simulation.
  [[nodiscard]] rt::duration now() const { return now_; }
  [[nodiscard]] random_source& random() { return random_; }

  /// Runs `what` at `when` outside of any actor. It goes unrun when `owner`, if given, dies before.
  event_key at(rt::duration when, actor* owner, rt::work what);
  void cancel(event_key key);

  void add(core_queue& queue) { queues_.push_back(&queue); }
  /// Forgets the actor's queues with all that is in them, and its timed events.
  void drop(actor& owner);

  /// Runs `what` as code of `who`, from a timed event. Returns what its calls (`charge`) cost.
  rt::duration run_as(actor& who, rt::work what);
  /// The actor whose code runs now; null outside.
  [[nodiscard]] actor* running() const { return running_; }
  /// Makes the running event take that much longer.
  void charge(rt::duration cost) { charged_ += cost; }

  enum class outcome : unsigned char { ran, limit_reached, nothing_left };
  /// Runs one event, or takes time to `limit` if none is due until then.
  outcome step(rt::duration limit);
  /// Nothing is due until `when`: takes time there.
  void skip_to(rt::duration when) { now_ = std::max(now_, when); }

  /// A hash of all that has happened: equal for equal runs.
  [[nodiscard]] std::uint64_t trace_hash() const { return trace_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  void trace(std::uint64_t value) { trace_ = random_source::mix(trace_ ^ value) + 0x9e3779b97f4a7c15ULL; }
  void trace(std::string_view text);

 private:
  struct timed_event {
    actor* owner;
    rt::work what;
  };

  void run_timed();
  void run_core(core_queue& queue);

  random_source random_;
  rt::duration event_cost_max_;
  rt::duration now_{0};
  rt::duration charged_{0};
  actor* running_ = nullptr;
  std::uint64_t sequence_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t trace_ = 0;
  std::map<event_key, timed_event> timed_;
  std::vector<core_queue*> queues_;
  std::vector<core_queue*> ready_;
};

}  // namespace moldau::testing::sim
