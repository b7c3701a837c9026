#include "testing/sim/process.hpp"

#include "testing/sim/host.hpp"

namespace moldau::testing::sim {
namespace {

class simulated_timer final : public rt::timer {
 public:
  simulated_timer(scheduler& queue, std::shared_ptr<rt::work> what, scheduler::event_key key)
      : queue_(queue), what_(std::move(what)), key_(key) {}
  ~simulated_timer() override { stop(); }
  void cancel() override { stop(); }

 private:
  void stop() {
    if (!what_) return;
    const auto what = std::move(what_);
    queue_.cancel(key_);
    // It may be in the core's queue already: what is there finds nothing to do.
    *what = nullptr;
  }

  scheduler& queue_;
  std::shared_ptr<rt::work> what_;
  scheduler::event_key key_;
};

}  // namespace

core_world::core_world(const machinery& shared, host& on, process& in, unsigned index, std::uint64_t id)
    : shared_(shared),
      host_(on),
      process_(in),
      index_(index),
      queue_{.owner = in, .id = id, .items = {}},
      random_(shared.queue.random().split()),
      transport_(shared.net, on.index(), *this, in),
      log_(on.log_sink(), "sim", shared.settings.log_level) {
  shared_.queue.add(queue_);
}

rt::time_point core_world::now() const {
  return rt::time_point(shared_.queue.now() + process_.clock_origin());
}

std::int64_t core_world::wall_ms() const {
  return host_.wall_ms();
}

void core_world::post(rt::work what) {
  if (!process_.dead()) queue_.items.push_back(std::move(what));
}

std::unique_ptr<rt::timer> core_world::post_at(rt::time_point at, rt::work what) {
  auto held = std::make_shared<rt::work>(std::move(what));
  if (process_.dead()) return std::make_unique<simulated_timer>(shared_.queue, std::move(held), scheduler::event_key{});
  const rt::duration late = random_.within({.least = {}, .most = shared_.settings.timer_slack_max});
  const auto key = shared_.queue.at(at.time_since_epoch() - process_.clock_origin() + late, &process_, [this, held] {
    post([held] {
      if (!*held) return;
      rt::work now = std::move(*held);
      *held = nullptr;
      now();
    });
  });
  return std::make_unique<simulated_timer>(shared_.queue, std::move(held), key);
}

unsigned core_world::core_count() const {
  return process_.core_count();
}

rt::world& core_world::on_core(unsigned index) {
  return process_.core(index);
}

rt::file_system& core_world::files() {
  return process_.files();
}

void core_world::run_on_worker(rt::work what, rt::work then) {
  if (!process_.dead()) process_.run_on_worker(*this, std::move(what), std::move(then));
}

void core_world::stop_for(rt::duration time) {
  queue_.busy_until = std::max(queue_.busy_until, shared_.queue.now() + time);
}

process::process(const machinery& shared, host& on, unsigned cores, std::uint64_t number)
    : shared_(shared),
      clock_origin_(std::chrono::seconds(shared.queue.random().between(1, 1'000'000))),
      files_(on.disk(), *this, [&on] { return on.wall_ms(); }) {
  for (unsigned i = 0; i < cores; ++i) {
    const std::uint64_t id = (number << 32U) + (on.index() << 16U) + i;
    cores_.push_back(std::make_unique<core_world>(shared, on, *this, i, id));
  }
}

void process::end() {
  if (dead_) return;
  dead_ = true;
  if (shared_.queue.running() != this) bury();
}

void process::bury() {
  if (std::exchange(buried_, true)) return;
  const rt::detached_frames::scope scope(&frames_);
  waiting_.clear();
  running_.clear();
  shared_.queue.drop(*this);
  frames_.destroy_all();
}

void process::run_on_worker(core_world& home, rt::work what, rt::work then) {
  waiting_.push_back({&home, std::move(what), std::move(then)});
  hand_out_work();
}

void process::hand_out_work() {
  while (!waiting_.empty() && running_.size() < shared_.settings.workers_per_host) {
    const std::uint64_t id = ++jobs_;
    running_.emplace(id, std::move(waiting_.front()));
    waiting_.pop_front();
    const rt::duration delay = shared_.queue.random().within(shared_.settings.worker_delay);
    shared_.queue.at(shared_.queue.now() + delay, this, [this, id] { run_job(id); });
  }
}

void process::run_job(std::uint64_t id) {
  const rt::duration cost = shared_.queue.run_as(*this, std::move(running_.at(id).what));
  if (dead()) return;
  const rt::duration delay = shared_.queue.random().within(shared_.settings.worker_delay);
  shared_.queue.at(shared_.queue.now() + cost + delay, this, [this, id] {
    auto done = running_.extract(id);
    done.mapped().home->post(std::move(done.mapped().then));
    hand_out_work();
  });
}

}  // namespace moldau::testing::sim
