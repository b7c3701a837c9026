#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moldau::base {

/// Name and value of each label, in the order in which they are printed.
using labels = std::vector<std::pair<std::string, std::string>>;

class metrics;

namespace detail {

/// One core's part of one time series: known to the registry from making to destruction. A cache line of its own, so
/// that cores which count don't disturb one another.
class alignas(64) series {
 public:
  series(const series&) = delete;
  series& operator=(const series&) = delete;

 protected:
  series();
  ~series();
  /// Takes the part out of the registry. Each kind's destructor begins with it: nobody may read a part that is half
  /// gone.
  void leave();

 private:
  friend class base::metrics;
  struct place;
  std::unique_ptr<place> place_;
};

/// Written by one thread, read by any: no locked instruction.
template <typename T>
void add(std::atomic<T>& to, T amount) {
  to.store(to.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace detail

/// Only grows. `add` from one thread alone (its core's), reading from any.
class counter final : public detail::series {
 public:
  counter() = default;
  ~counter() { leave(); }
  void add(std::uint64_t amount = 1) { detail::add(value_, amount); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down; the parts of several cores are summed. Writing from one thread alone, reading from any.
class gauge final : public detail::series {
 public:
  gauge() = default;
  ~gauge() { leave(); }
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) { detail::add(value_, amount); }
  [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Counts values by size. `observe` from one thread alone, reading from any.
class histogram final : public detail::series {
 public:
  /// Upper bounds that suit times in seconds: 100 µs to 10 s.
  [[nodiscard]] static std::span<const double> seconds();

  explicit histogram(std::span<const double> bounds);
  ~histogram() { leave(); }
  void observe(double value);
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] double sum() const { return sum_.load(std::memory_order_relaxed); }
  /// How many values fell into bucket `index`, of those that no lower bucket took; the one past the last bound takes
  /// the rest.
  [[nodiscard]] std::uint64_t in_bucket(std::size_t index) const {
    return buckets_[index].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::span<const double> bounds() const { return bounds_; }

 private:
  std::span<const double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

/// What a process measures, and its text for Prometheus.
///
/// Each core makes its own counter for a series and is the only one to write it; the text holds the sum of the parts
/// with equal labels. Making, dropping and printing take a lock, counting takes none. What is made must be destroyed
/// before the registry; its part is then gone from the text.
///
///     auto produced = metrics.make_counter("kafka_server_messages_in_total", "Records appended", {{"topic", name}});
///     produced->add(records);
class metrics {
 public:
  metrics();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  /// Every use of a name must be of one kind; the first help text stays. Names are ours: letters, digits, underscores.
  [[nodiscard]] std::unique_ptr<counter> make_counter(std::string_view name, std::string_view help, labels with = {});
  [[nodiscard]] std::unique_ptr<gauge> make_gauge(std::string_view name, std::string_view help, labels with = {});
  /// `bounds` ascend, are the same for all of the name, and outlive the registry.
  [[nodiscard]] std::unique_ptr<histogram> make_histogram(std::string_view name, std::string_view help,
                                                          std::span<const double> bounds = histogram::seconds(),
                                                          labels with = {});

  /// The text exposition format 0.0.4, families by name, series by labels.
  [[nodiscard]] std::string text() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  friend class detail::series;
  enum class kind : unsigned char { counter, gauge, histogram };
  struct family;

  void enter(std::string_view name, std::string_view help, kind what, labels with, detail::series& part);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<family>, std::less<>> families_;
};

}  // namespace moldau::base
