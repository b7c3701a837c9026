#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "moldau/core/executor.hpp"
#include "moldau/core/result.hpp"

/// What `async` and `promise` are made of; not for use by itself.
namespace moldau::detail {

/// A pointer that counts the holders of what it points to.
template <typename T>
class counted {
 public:
  counted() = default;
  explicit counted(T* to) : to_(to) {
    if (to_ != nullptr) to_->add_holder();
  }
  counted(const counted& other) : counted(other.to_) {}
  counted(counted&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
  counted& operator=(counted other) noexcept {
    std::swap(to_, other.to_);
    return *this;
  }
  ~counted() {
    if (to_ != nullptr) to_->drop_holder();
  }

  [[nodiscard]] T* get() const { return to_; }
  T* operator->() const { return to_; }
  explicit operator bool() const { return to_ != nullptr; }

 private:
  T* to_ = nullptr;
};

/// A client's thread as an `async` knows it: who may wait for it, and who is to be woken when a deadline has come.
class client_thread {
 public:
  virtual ~client_thread() = default;
  /// False on that thread itself.
  [[nodiscard]] virtual bool may_wait() = 0;
  /// Calls `what` on that thread after that time, unless `forget` is called with the number before. Any thread.
  virtual std::uint64_t call_after(std::chrono::nanoseconds time, std::move_only_function<void()> what) = 0;
  virtual void forget(std::uint64_t number) = 0;
};

/// What an `async` and its promises share, but for the value: one block of memory, counted, with a lock of its own.
class async_base {
 public:
  async_base(executor* handlers, std::shared_ptr<client_thread> home, bool fails_when_abandoned)
      : handlers_(handlers), home_(std::move(home)), fails_when_abandoned_(fails_when_abandoned) {}
  async_base(const async_base&) = delete;
  async_base& operator=(const async_base&) = delete;
  virtual ~async_base() = default;

  void add_holder() { holders_.fetch_add(1, std::memory_order_relaxed); }
  void drop_holder() {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  void add_promise() { promises_.fetch_add(1, std::memory_order_relaxed); }
  void drop_promise() {
    if (promises_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (fails_when_abandoned_) {
      // Nearly always; an error that nobody will see needn't be made.
      if (is_set()) return;
      set_failure({errc::closed, "the client has been closed"});
      return;
    }
    // Nobody will be woken; what would wake them holds this state, so that it would never go.
    std::unique_ptr<call_limits> limits;
    {
      const std::lock_guard held(mutex_);
      limits = std::move(limits_);
    }
    forget_next();
  }

  [[nodiscard]] bool is_set() {
    const std::lock_guard held(mutex_);
    return is_set_;
  }

  /// Takes `next` to be run once the value is there; false, and it isn't taken, if that is so already. In a simulation
  /// it is let go of where no promise is left.
  bool when_set(std::move_only_function<void()>& next) {
    const std::lock_guard held(mutex_);
    if (is_set_) return false;
    // Kept, it would hold this state for good: nobody is left who could set it.
    if (!fails_when_abandoned_ && promises_.load(std::memory_order_acquire) == 0) return true;
    next_ = std::move(next);
    return true;
  }
  void forget_next() { static_cast<void>(take_next()); }

  [[nodiscard]] bool may_wait() { return !home_ || is_set() || home_->may_wait(); }
  void wait() {
    std::unique_lock held(mutex_);
    ready_.wait(held, [this] { return is_set_; });
  }
  bool wait_for(std::chrono::nanoseconds time) {
    std::unique_lock held(mutex_);
    return ready_.wait_for(held, time, [this] { return is_set_; });
  }

  void cancel() { give_up({errc::cancelled, "the caller cancelled the call; whether it was carried out isn't known"}); }
  void expire() {
    give_up({errc::timed_out, "the call's deadline has passed; whether it was carried out isn't known"});
  }
  void on_cancel(std::move_only_function<void()> what) {
    const std::lock_guard held(mutex_);
    if (!is_set_) limits().on_cancel = std::move(what);
  }

  void end_after(std::chrono::nanoseconds time) {
    if (!home_ || is_set()) return;
    const std::uint64_t number = home_->call_after(time, [self = counted<async_base>(this)] { self->expire(); });
    std::unique_lock held(mutex_);
    if (!is_set_) {
      limits().deadlines.push_back(number);
      return;
    }
    held.unlock();
    home_->forget(number);
  }
  void end_with(const std::stop_token& token) {
    if (is_set()) return;
    auto watch = std::make_unique<stop_watch>(token, stopper{counted<async_base>(this)});
    const std::lock_guard held(mutex_);
    if (!is_set_) limits().watches.push_back(std::move(watch));
  }

 protected:
  struct stopper {
    counted<async_base> of;
    void operator()() const { of->cancel(); }
  };
  using stop_watch = std::stop_callback<stopper>;
  /// What only calls have that somebody limits.
  struct call_limits {
    std::move_only_function<void()> on_cancel;
    std::vector<std::uint64_t> deadlines;
    std::vector<std::unique_ptr<stop_watch>> watches;
  };

  virtual bool set_failure(error why) = 0;

  /// With the lock held, by whoever is about to give the value.
  [[nodiscard]] bool begin_set(std::unique_ptr<call_limits>& limits) {
    if (is_set_) return false;
    is_set_ = true;
    limits = std::move(limits_);
    return true;
  }
  /// Without the lock, once the value is there.
  void end_set(std::unique_ptr<call_limits> limits) {
    // Whoever is woken may drop the last handle.
    const counted<async_base> alive(this);
    ready_.notify_all();
    if (limits) {
      for (const std::uint64_t number : limits->deadlines) home_->forget(number);
      limits.reset();
    }
    {
      const std::lock_guard held(mutex_);
      if (!next_) return;
    }
    if (handlers_ == nullptr) return run_next();
    handlers_->post([alive] { alive->run_next(); });
  }

  std::mutex mutex_;

 private:
  call_limits& limits() {
    if (!limits_) limits_ = std::make_unique<call_limits>();
    return *limits_;
  }
  [[nodiscard]] std::move_only_function<void()> take_next() {
    const std::lock_guard held(mutex_);
    return std::exchange(next_, nullptr);
  }
  void run_next() {
    if (auto next = take_next()) next();
  }
  void give_up(error why) {
    std::move_only_function<void()> tell;
    {
      const std::lock_guard held(mutex_);
      if (is_set_) return;
      if (limits_) tell = std::exchange(limits_->on_cancel, nullptr);
    }
    if (set_failure(std::move(why)) && tell) tell();
  }

  std::atomic<std::uint32_t> holders_{0};
  std::atomic<std::uint32_t> promises_{0};
  executor* handlers_;
  std::shared_ptr<client_thread> home_;
  const bool fails_when_abandoned_;
  bool is_set_ = false;
  std::condition_variable ready_;
  std::move_only_function<void()> next_;
  std::unique_ptr<call_limits> limits_;
};

template <typename T>
class async_state final : public async_base {
 public:
  using async_base::async_base;

  /// False, with `value` untouched, if there was one already.
  bool set(result<T>& value) {
    std::unique_ptr<call_limits> limits;
    {
      const std::lock_guard held(mutex_);
      if (!begin_set(limits)) return false;
      value_.emplace(std::move(value));
    }
    end_set(std::move(limits));
    return true;
  }

  result<T> take() {
    const std::lock_guard held(mutex_);
    if (!value_) return fail(errc::invalid_argument, "the value of an async can be taken once");
    result<T> out = *std::move(value_);
    value_.reset();
    return out;
  }

 private:
  bool set_failure(error why) override {
    result<T> failure = std::unexpected(std::move(why));
    return set(failure);
  }

  std::optional<result<T>> value_;
};

}  // namespace moldau::detail
