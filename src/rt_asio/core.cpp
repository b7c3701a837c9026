#include "rt_asio/core.hpp"

#include <sys/random.h>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "rt_asio/transport.hpp"

namespace moldau::rt_asio {

namespace asio = boost::asio;

// UNSAFE_IO: sockets and timers of a context are touched by its own thread alone, so Asio needn't lock around them.
// A connection that moves between cores is not known to the first one's context (see socket_state).
core_world::core_world(unsigned index, const core_list& all, worker_pool& workers, const base::logger& log)
    : index_(index),
      all_(all),
      workers_(workers),
      log_(log),
      context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      net_(make_transport(*this)),
      system_timer_(context_) {}

core_world::~core_world() = default;

void core_world::run() {
  const rt::detached_frames::scope spawned_here(&frames_);
  const auto keep_running = asio::make_work_guard(context_);
  context_.run();
}

void core_world::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  context_.stop();
}

void core_world::drop_pending() {
  std::vector<rt::work> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(queue_);
  }
  running_.clear();
  timers_.clear();
}

std::int64_t core_world::wall_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::uint64_t core_world::random() {
  if (random_left_ == 0) {
    // Up to 256 bytes come whole or not at all once the system's generator is seeded.
    while (::getrandom(random_block_.data(), sizeof random_block_, 0) != sizeof random_block_) {
      MOLDAU_ASSERT(errno == EINTR);
    }
    random_left_ = random_block_.size();
  }
  return std::exchange(random_block_[--random_left_], 0);
}

template <typename T>
class core_world::drain_memory {
 public:
  using value_type = T;
  explicit drain_memory(core_world& of) : of_(&of) {}
  template <typename U>
  drain_memory(const drain_memory<U>& other) : of_(other.of_) {}  // NOLINT: allocators change their type freely

  T* allocate(std::size_t count) {
    if (of_->drain_memory_taken_ || count * sizeof(T) > sizeof of_->drain_memory_) {
      return static_cast<T*>(::operator new(count * sizeof(T)));
    }
    of_->drain_memory_taken_ = true;
    return reinterpret_cast<T*>(of_->drain_memory_.data());
  }
  void deallocate(T* what, std::size_t) {
    if (reinterpret_cast<std::byte*>(what) != of_->drain_memory_.data()) return ::operator delete(what);
    of_->drain_memory_taken_ = false;
  }
  friend bool operator==(const drain_memory& a, const drain_memory& b) { return a.of_ == b.of_; }

 private:
  template <typename U>
  friend class drain_memory;
  core_world* of_;
};

void core_world::schedule_drain() {
  asio::post(context_, asio::bind_allocator(drain_memory<std::byte>(*this), [this] { drain(); }));
}

void core_world::post(rt::work what) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    queue_.push_back(std::move(what));
    if (std::exchange(drain_scheduled_, true)) return;
  }
  schedule_drain();
}

void core_world::drain() {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(queue_);
  }
  for (auto& each : running_) std::exchange(each, nullptr)();
  running_.clear();
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      drain_scheduled_ = false;
      return;
    }
  }
  // What was posted meanwhile waits for a round of the sockets, so that work which posts itself can't starve them.
  schedule_drain();
}

std::unique_ptr<rt::timer> core_world::post_at(rt::time_point at, rt::work what) {
  auto handle = timers_.add(at, std::move(what));
  if (!firing_ && (!armed_for_ || at < *armed_for_)) arm_timer();
  return handle;
}

void core_world::arm_timer() {
  // A cancelled timer leaves the system's one armed: it then fires for nothing, which costs less than re-arming.
  armed_for_ = timers_.next();
  if (!armed_for_) return;
  system_timer_.expires_at(*armed_for_);
  system_timer_.async_wait([this](const boost::system::error_code& failed) {
    if (!failed) timer_fired();
  });
}

void core_world::timer_fired() {
  firing_ = true;
  timers_.fire_due(now());
  firing_ = false;
  arm_timer();
}

void core_world::run_on_worker(rt::work what, rt::work then) {
  workers_.run(std::move(what), *this, std::move(then));
}

}  // namespace moldau::rt_asio
