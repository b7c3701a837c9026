#include <atomic>
#include <mutex>
#include <thread>

#include "records.hpp"
#include "talk.hpp"

namespace moldau::interop {

namespace {

/// Sends the records of README.md to partition 0.
void send_records(client::producer& to, const std::string& topic) {
  std::vector<async<client::delivery>> sent;
  for (int i = 0; i < record_count; ++i) {
    const auto key = key_of(i);
    const auto value = value_of(i);
    const auto named = headers_of(i);
    std::vector<header_view> headers;
    for (const auto& [name, of] : named) {
      headers.push_back({name, of ? std::optional(as_bytes(*of)) : std::nullopt});
    }
    client::outgoing_record record{
        .topic = topic, .partition = partition_id(0), .headers = headers, .timestamp_ms = timestamp_of(i)};
    if (key) record.key = as_bytes(*key);
    if (value) record.value = as_bytes(*value);
    sent.push_back(to.send(record));
  }
  for (int i = 0; i < record_count; ++i) {
    const auto done = good(sent[static_cast<std::size_t>(i)].get(), fmt::format("record {}", i));
    same("the topic told", topic, done.topic);
    same("the offset told", i, done.offset.value());
    same("the timestamp told", timestamp_of(i), done.timestamp_ms);
  }
}

void codec(const std::string& name) {
  const std::string topic = "moldau-" + name;
  create(topic, 1);
  auto to = make_producer({{"compression.type", name}, {"linger.ms", "20"}});
  send_records(to, topic);
  int next = 0;
  read_all(topic, 0, [&](const record_view& record) { verify(record, next++); });
  same("count", record_count, next);
}

void acknowledgements(const std::string& acks) {
  const std::string topic = "moldau-acks-" + acks;
  create(topic, 1);
  std::atomic<int> reported = 0;
  std::atomic<int> wrong = 0;
  auto to = make_producer({{"acks", acks}}, [&](const client::delivery_report& done) {
    if (done.error != nullptr || done.tag != static_cast<std::uint64_t>(reported++)) ++wrong;
  });
  for (int i = 0; i < 100; ++i) {
    const std::string value = std::to_string(i);
    good(to.send({.topic = topic, .partition = partition_id(0), .value = as_bytes(std::string_view(value))},
                 static_cast<std::uint64_t>(i)),
         "sending");
  }
  good(to.flush().get(), "flushing");
  same("reports", 100, reported.load());
  same("wrong reports", 0, wrong.load());
  wait_for("all records are there", [&] { return values_of(topic, 0).size() == 100; });
}

void errors() {
  create("moldau-narrow", 1, {{"max.message.bytes", "1000"}});
  auto to = make_producer();
  const std::string large(5000, 'x');
  refused(errc::message_too_large,
          to.send({.topic = "moldau-narrow", .partition = partition_id(0), .value = as_bytes(large)}).get());
  refused(errc::unknown_topic_or_partition,
          to.send({.topic = "moldau-narrow", .partition = partition_id(3), .value = as_bytes("x")}).get());
  // Refused records are no gap in the sequence of those after them.
  const auto done =
      good(to.send({.topic = "moldau-narrow", .partition = partition_id(0), .value = as_bytes("small")}).get(),
           "a small one");
  same("offset", 0, done.offset.value());
}

/// What was acknowledged, and what was sent before it, is there once and in order, whatever the broker went through.
void idempotent() {
  const std::string topic = "moldau-idempotent";
  create(topic, 1);
  std::mutex mutex;
  std::vector<std::string> refusals;
  auto to = make_producer({{"linger.ms", "2"}}, [&](const client::delivery_report& done) {
    const std::lock_guard held(mutex);
    if (done.error != nullptr) refusals.push_back(done.error->message);
  });
  std::atomic<bool> stopping = false;
  std::atomic<int> sent = 0;
  std::thread sender([&] {
    while (!stopping) {
      const std::string value = std::to_string(sent);
      static_cast<void>(
          to.send({.topic = topic, .partition = partition_id(0), .value = as_bytes(std::string_view(value))}, 0));
      ++sent;
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  const auto at_least = [&](int more) {
    const int from = sent;
    wait_for("records are sent", [&] { return sent >= from + more; });
  };
  at_least(500);
  broker("kill");
  at_least(500);
  stopping = true;
  sender.join();
  good(to.close().get(), "closing the producer");
  same("failed sends", std::size_t{0}, refusals.size());
  const auto got = values_of(topic, 0);
  same("count", static_cast<std::size_t>(sent), got.size());
  for (std::size_t i = 0; i < got.size(); ++i) same("value in order", std::to_string(i), got[i]);
}

}  // namespace

void check_producing() {
  check("create topic", [] {
    create("moldau-create", 3);
    auto to = make_producer();
    same("partitions", std::size_t{3}, good(to.partitions_of("moldau-create").get()).size());
  });
  for (const std::string name : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    check("codec " + name, [&] { codec(name); });
  }
  for (const std::string acks : {"0", "1", "all"}) check("acks " + acks, [&] { acknowledgements(acks); });
  check("send errors", errors);
  check("idempotent producer over kill -9", idempotent);
}

}  // namespace moldau::interop
