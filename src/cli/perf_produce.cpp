#include <fmt/format.h>

#include <atomic>
#include <mutex>

#include "cli/io.hpp"
#include "cli/io_clock.hpp"
#include "cli/io_progress.hpp"
#include "cli/perf.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::cli {

namespace {

/// Counts deliveries; told on the client's thread, read in passing by the one who sends, and at the end.
class deliveries {
 public:
  explicit deliveries(std::uint64_t warm_up) : warm_up_(warm_up) {}

  /// Before the first record is sent.
  void begin(std::int64_t now) { begin_ns_ = now; }

  /// A record's tag is when it was sent.
  void add(const client::delivery_report& done) {
    if (done.error != nullptr) {
      ++failed_;
      const std::lock_guard held(mutex_);
      if (!failure_) failure_ = *done.error;
      return;
    }
    const std::int64_t now = io::steady_ns();
    const auto seen = delivered_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (seen <= warm_up_) {
      begin_ns_ = now;
      return;
    }
    end_ns_ = now;
    const std::int64_t waited = now - static_cast<std::int64_t>(done.tag);
    latency_.add(waited);
    recent_sum_ns_.fetch_add(waited, std::memory_order_relaxed);
    if (waited > recent_max_ns_.load(std::memory_order_relaxed)) {
      recent_max_ns_.store(waited, std::memory_order_relaxed);
    }
  }

  [[nodiscard]] std::uint64_t delivered() const { return delivered_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

  /// The latency since the last call, for the progress line.
  std::string recent() {
    const std::uint64_t all = delivered();
    const std::int64_t sum = recent_sum_ns_.exchange(0, std::memory_order_relaxed);
    const std::int64_t most = recent_max_ns_.exchange(0, std::memory_order_relaxed);
    const std::uint64_t count = all - shown_;
    shown_ = all;
    if (count == 0) return ", nothing acknowledged";
    return fmt::format(", {:.1f} ms, at most {:.1f} ms", static_cast<double>(sum) / static_cast<double>(count) / 1e6,
                       static_cast<double>(most) / 1e6);
  }

  // When the producer has ended.
  [[nodiscard]] const histogram& latency() const { return latency_; }
  [[nodiscard]] double seconds() const { return static_cast<double>(end_ns_ - begin_ns_) / 1e9; }
  [[nodiscard]] std::optional<error> failure() {
    const std::lock_guard held(mutex_);
    return failure_;
  }

 private:
  const std::uint64_t warm_up_;
  std::atomic<std::uint64_t> delivered_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  std::atomic<std::int64_t> recent_sum_ns_ = 0;
  std::atomic<std::int64_t> recent_max_ns_ = 0;
  std::uint64_t shown_ = 0;
  histogram latency_;
  std::int64_t begin_ns_ = 0;
  std::int64_t end_ns_ = 0;
  std::mutex mutex_;
  std::optional<error> failure_;
};

result<client::producer_options> options_of(const context& in, const perf_arguments& told) {
  MOLDAU_TRY_ASSIGN(auto properties, in.client_properties());
  if (told.codec) properties["compression.type"] = *told.codec;
  if (told.acks) properties["acks"] = *told.acks;
  properties.try_emplace("delivery.timeout.ms", std::to_string(in.timeout_ms));
  return client::producer_options::from_properties(properties);
}

struct sent_load {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

/// Sends until it is enough.
result<sent_load> send_all(client::producer& to, const perf_arguments& told, perf::payloads& from, deliveries& done,
                           const std::function<bool()>& interrupted) {
  io::progress work("producing");
  const std::int64_t begin = io::steady_ns();
  done.begin(begin);
  const perf::pace pace(told.throughput, begin);
  const std::int64_t end = told.duration ? begin + static_cast<std::int64_t>(*told.duration * 1e9) : INT64_MAX;
  const auto enough = [&] { return interrupted() || done.failed() > 0 || io::steady_ns() >= end; };
  sent_load sent;
  std::string key;
  const auto show = [&] {
    if (work.is_due()) work.show(done.delivered(), told.records, done.delivered(), done.recent());
  };
  while ((!told.records || sent.records < *told.records) && !enough()) {
    pace.wait_for(sent.records, enough);
    client::outgoing_record record{.topic = told.topics.front(), .value = from.next()};
    if (told.keys > 0) {
      key = fmt::format("key-{}", sent.records % told.keys);
      record.key = as_bytes(key);
    }
    MOLDAU_TRY(to.send(record, static_cast<std::uint64_t>(io::steady_ns())));
    ++sent.records;
    sent.bytes += record.value->size();
    if (sent.records % 64 == 0 || told.throughput) show();
  }
  // What is still on its way is part of the picture.
  auto flushed = to.flush();
  while (!flushed.get_for(std::chrono::milliseconds(100)) && !flushed.is_ready()) show();
  return sent;
}

}  // namespace

int perf_produce(const context& in, const perf_arguments& told) {
  if (!told.records && !told.duration) return report_usage("say how much: --records or --duration");
  auto from = perf::payloads::make(told);
  if (!from) return report(from.error());
  if (auto there = perf::ensure_topic(in, told, told.topics.front()); !there) return report(there.error());
  auto options = options_of(in, told);
  if (!options) return report(options.error());
  deliveries done(told.warm_up.value_or(0));
  options->on_delivery = [&done](const client::delivery_report& of) { done.add(of); };
  std::atomic<bool> interrupted = false;
  const io::on_interrupt stop([&] { interrupted = true; });
  result<sent_load> sent;
  {
    auto to = client::producer::make(*std::move(options));
    if (!to) return report(to.error());
    sent = send_all(*to, told, *from, done, [&] { return interrupted.load(); });
    static_cast<void>(to->close().get());
  }
  if (const auto failure = done.failure(); failure || !sent) {
    const int code = report(failure ? *failure : sent.error(), fmt::format("producing to '{}'", told.topics.front()));
    if (sent) fmt::print(stderr, "  {} of {} records were not delivered\n", done.failed(), sent->records);
    return code;
  }
  const std::uint64_t counted = done.latency().count();
  if (counted == 0) return report_usage("every record went into the warm-up: there is nothing to tell");
  const double each = static_cast<double>(sent->bytes) / static_cast<double>(sent->records);
  perf::print(in,
              {.records = counted,
               .bytes = static_cast<std::uint64_t>(each * static_cast<double>(counted)),
               .seconds = done.seconds(),
               .latency = &done.latency()},
              {{"sent", sent->records}});
  return exit_ok;
}

}  // namespace moldau::cli
