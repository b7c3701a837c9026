#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "cli/io.hpp"
#include "cli/io_clock.hpp"
#include "cli/io_progress.hpp"
#include "cli/io_thread.hpp"
#include "cli/perf.hpp"
#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::cli {

namespace {

/// At the beginning of each value: whose record it is, and when it was due.
struct stamp {
  std::int64_t run = 0;
  std::int64_t due_ns = 0;
};

/// Waits, counted from when a record was due: one that leaves late because those before it were slow is late too.
class waits {
 public:
  explicit waits(std::uint64_t warm_up) : warm_up_(warm_up) {}

  void add(std::int64_t due_ns) {
    const std::int64_t now = io::steady_ns();
    if (seen_.fetch_add(1) + 1 <= warm_up_) return;
    if (first_ns_ == 0) first_ns_ = now;
    last_ns_ = now;
    latency_.add(now - due_ns);
  }
  void fail(const error& why) {
    const std::lock_guard held(mutex_);
    if (!failure_) failure_ = why;
    failed_ = true;
  }

  [[nodiscard]] std::uint64_t seen() const { return seen_; }
  [[nodiscard]] bool has_failed() const { return failed_; }
  [[nodiscard]] std::optional<error> failure() {
    const std::lock_guard held(mutex_);
    return failure_;
  }
  // When nobody adds any more.
  [[nodiscard]] const histogram& latency() const { return latency_; }
  [[nodiscard]] double seconds() const { return static_cast<double>(last_ns_ - first_ns_) / 1e9; }

 private:
  const std::uint64_t warm_up_;
  std::atomic<std::uint64_t> seen_ = 0;
  std::int64_t first_ns_ = 0;
  std::int64_t last_ns_ = 0;
  histogram latency_;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::optional<error> failure_;
};

result<client::consumer> make_consumer(const context& in, const std::string& topic) {
  MOLDAU_TRY_ASSIGN(auto properties, in.client_properties());
  properties.try_emplace("enable.auto.commit", "false");
  MOLDAU_TRY_ASSIGN(auto options, client::consumer_options::from_properties(properties));
  MOLDAU_TRY_ASSIGN(auto out, client::consumer::make(std::move(options)));
  MOLDAU_TRY_ASSIGN(const auto ids, out.partitions_of(topic).get());
  std::vector<topic_partition> partitions;
  for (const partition_id id : ids) partitions.push_back({topic, id});
  MOLDAU_TRY_ASSIGN(auto ends, out.end_offsets(std::move(partitions)).get());
  MOLDAU_TRY(out.assign(std::move(ends)).get());
  // The first fetch is under way before anything is sent.
  MOLDAU_TRY(out.poll(std::chrono::milliseconds(100)).get());
  return out;
}

void read(client::consumer& from, std::int64_t run, waits& into, const std::function<bool()>& enough) {
  while (!enough()) {
    const auto got = from.poll(std::chrono::milliseconds(100)).get();
    if (!got) return into.fail(got.error());
    for (const client::record_batch& batch : got->batches) {
      for (const record_view& record : batch) {
        stamp of;
        if (!record.value || record.value->size() < sizeof of) continue;
        std::memcpy(&of, record.value->data(), sizeof of);
        if (of.run == run) into.add(of.due_ns);
      }
    }
  }
}

result<client::producer> make_producer(const context& in, const perf_arguments& told, waits& acknowledged) {
  MOLDAU_TRY_ASSIGN(auto properties, in.client_properties());
  if (told.codec) properties["compression.type"] = *told.codec;
  if (told.acks) properties["acks"] = *told.acks;
  properties.try_emplace("linger.ms", "0");
  properties.try_emplace("delivery.timeout.ms", std::to_string(in.timeout_ms));
  MOLDAU_TRY_ASSIGN(auto options, client::producer_options::from_properties(properties));
  // The tag is when the record was due.
  options.on_delivery = [&acknowledged](const client::delivery_report& done) {
    if (done.error != nullptr) {
      acknowledged.fail(*done.error);
    } else {
      acknowledged.add(static_cast<std::int64_t>(done.tag));
    }
  };
  return client::producer::make(std::move(options));
}

/// Sends at the rate; how many.
result<std::uint64_t> send_all(client::producer& to, const perf_arguments& told, std::int64_t run, double rate,
                               std::uint64_t total, const waits& watched, const std::function<bool()>& interrupted) {
  io::progress work("measuring");
  const perf::pace pace(rate, io::steady_ns());
  std::string value(std::max(told.record_size, sizeof(stamp)), 'x');
  std::uint64_t sent = 0;
  while (sent < total && !interrupted() && !watched.has_failed()) {
    pace.wait_for(sent, interrupted);
    const stamp of{.run = run, .due_ns = pace.due_ns(sent)};
    std::memcpy(value.data(), &of, sizeof of);
    MOLDAU_TRY(
        to.send({.topic = told.topics.front(), .value = as_bytes(value)}, static_cast<std::uint64_t>(of.due_ns)));
    ++sent;
    work.show(sent, total, sent);
  }
  MOLDAU_TRY(to.flush().get());
  return sent;
}

}  // namespace

int perf_latency(const context& in, const perf_arguments& told) {
  const double rate = told.throughput.value_or(1'000);
  const std::uint64_t total = told.records.value_or(static_cast<std::uint64_t>(rate * told.duration.value_or(10)));
  const std::uint64_t warm_up = told.warm_up.value_or(std::min(total / 5, static_cast<std::uint64_t>(rate)));
  if (total <= warm_up) return report_usage("every record went into the warm-up: there is nothing to tell");
  const bool to_consumer = told.to == "consumer";
  if (to_consumer && told.record_size < sizeof(stamp)) {
    return report_usage("--record-size must be at least 16, for the time that each record carries");
  }
  if (told.acks == "0" && !to_consumer) return report_usage("--acks 0 brings no acknowledgement to wait for");
  if (auto there = perf::ensure_topic(in, told, told.topics.front()); !there) return report(there.error());

  std::atomic<bool> interrupted = false;
  const io::on_interrupt stop([&] { interrupted = true; });
  const std::int64_t run = io::wall_ms() ^ io::steady_ns();
  waits acknowledged(warm_up);
  waits received(warm_up);
  waits& watched = to_consumer ? received : acknowledged;
  std::optional<client::consumer> from;
  if (to_consumer) {
    auto made = make_consumer(in, told.topics.front());
    if (!made) return report(made.error(), "consuming");
    from.emplace(*std::move(made));
  }
  result<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> wanted = total;
  std::atomic<std::int64_t> give_up_ns = INT64_MAX;
  {
    auto to = make_producer(in, told, acknowledged);
    if (!to) return report(to.error());
    std::optional<io::background> reader;
    if (from) {
      reader.emplace([&] {
        read(*from, run, received,
             [&] { return received.seen() >= wanted || acknowledged.has_failed() || io::steady_ns() >= give_up_ns; });
      });
    }
    sent = send_all(*to, told, run, rate, total, watched, [&] { return interrupted.load(); });
    wanted = sent.value_or(0);
    give_up_ns = io::steady_ns() + in.timeout_ms * 1'000'000;
  }
  if (!sent) return report(sent.error(), "producing");
  if (const auto failure = acknowledged.failure()) return report(*failure, "producing");
  if (const auto failure = received.failure()) return report(*failure, "consuming");
  if (watched.seen() < *sent) {
    return report({errc::timed_out, fmt::format("only {} of {} records came back", watched.seen(), *sent)});
  }
  const std::uint64_t counted = watched.latency().count();
  if (counted == 0) return report_usage("it was ended within the warm-up: there is nothing to tell");
  perf::print(in,
              {.records = counted,
               .bytes = counted * told.record_size,
               .seconds = watched.seconds(),
               .latency = &watched.latency()},
              {{"to", told.to}, {"sent", *sent}});
  return exit_ok;
}

}  // namespace moldau::cli
