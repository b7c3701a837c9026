#include <algorithm>
#include <atomic>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>

#include "records.hpp"
#include "talk.hpp"

namespace moldau::interop {

namespace {

/// Numbered values round the partitions, until it is told to stop.
class steady_sender {
 public:
  steady_sender(std::string topic, std::int32_t partitions)
      : topic_(std::move(topic)),
        partitions_(partitions),
        to_(make_producer({{"linger.ms", "1"}, {"delivery.timeout.ms", "60000"}, {"request.timeout.ms", "5000"}},
                          [this](const client::delivery_report& done) { take(done); })),
        thread_([this] { run(); }) {}

  /// How many were sent; all are acknowledged by then.
  std::int64_t finish() {
    stopping_ = true;
    thread_.join();
    good(to_.close().get(), "closing the producer");
    const std::lock_guard held(mutex_);
    that(failure_.empty(), "a record was not delivered: " + failure_);
    same("acknowledged", sent_.load(), delivered_.load());
    return sent_;
  }
  [[nodiscard]] std::int64_t delivered() const { return delivered_; }

 private:
  void run() {
    while (!stopping_) {
      const std::string value = std::to_string(sent_);
      static_cast<void>(to_.send({.topic = topic_,
                                  .partition = partition_id(static_cast<std::int32_t>(sent_ % partitions_)),
                                  .value = as_bytes(std::string_view(value))},
                                 0));
      ++sent_;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void take(const client::delivery_report& done) {
    if (done.error == nullptr) {
      ++delivered_;
      return;
    }
    const std::lock_guard held(mutex_);
    if (failure_.empty()) failure_ = fmt::format("{} ({})", done.error->message, name(done.error->code));
  }

  std::string topic_;
  std::int32_t partitions_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::int64_t> sent_ = 0;
  std::atomic<std::int64_t> delivered_ = 0;
  std::mutex mutex_;
  std::string failure_;
  client::producer to_;
  std::thread thread_;
};

/// A group of one that reads along.
class steady_reader {
 public:
  explicit steady_reader(const std::string& topic)
      : from_(make_consumer({{"group.id", "steady"}, {"request.timeout.ms", "5000"}})),
        thread_([this, topic] { run(topic); }) {}
  ~steady_reader() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  steady_reader(const steady_reader&) = delete;
  steady_reader& operator=(const steady_reader&) = delete;

  void wait_for_all(std::int64_t count) {
    wait_for(
        "the reader has all", [&] { return has_failed_ || static_cast<std::int64_t>(seen()) == count; },
        std::chrono::seconds(60));
    const std::lock_guard held(mutex_);
    that(!has_failed_, "the reader: " + failure_);
  }
  [[nodiscard]] std::size_t seen() {
    const std::lock_guard held(mutex_);
    return seen_.size();
  }

 private:
  void run(const std::string& topic) {
    try {
      good(from_.subscribe({topic}).get(), "subscribing");
      while (!stopping_) {
        const auto got = good(from_.poll(std::chrono::milliseconds(100)).get(), "polling");
        const std::lock_guard held(mutex_);
        for (const auto& batch : got.batches) {
          for (const record_view& record : batch) seen_.emplace(as_text(record.value.value()));
        }
      }
      good(from_.close().get(), "closing the consumer");
    } catch (const std::exception& why) {
      const std::lock_guard held(mutex_);
      failure_ = why.what();
      has_failed_ = true;
    }
  }

  client::consumer from_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> has_failed_ = false;
  std::mutex mutex_;
  std::set<std::string> seen_;
  std::string failure_;
  std::thread thread_;
};

}  // namespace

/// "sent N" and "read N" answer a line "tell"; "stop" ends it with the checks.
int send_steadily(const std::string& topic, std::int32_t partitions) {
  check("every record once and in order over leader changes", [&] {
    steady_sender sender(topic, partitions);
    steady_reader reader(topic);
    std::string line;
    while (std::getline(std::cin, line) && line != "stop") {
      fmt::print("sent {} read {}\n", sender.delivered(), reader.seen());
      std::fflush(stdout);
    }
    const std::int64_t sent = sender.finish();
    reader.wait_for_all(sent);
    for (std::int32_t p = 0; p < partitions; ++p) {
      const auto got = values_of(topic, p);
      same(fmt::format("count of partition {}", p), (sent - p + partitions - 1) / partitions,
           static_cast<std::int64_t>(got.size()));
      for (std::size_t i = 0; i < got.size(); ++i) {
        same(fmt::format("value {} of partition {}", i, p),
             std::to_string(static_cast<std::int64_t>(i) * partitions + p), got[i]);
      }
    }
  });
  end();
  return 0;
}

}  // namespace moldau::interop
