#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "bench/client/subcommands.hpp"
#include "bench/client/usage.hpp"
#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::bench {

namespace {

using clock = std::chrono::steady_clock;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now().time_since_epoch()).count();
}

client::producer make_producer(const arguments& given) {
  auto options = client::producer_options::from_properties({{"bootstrap.servers", given.text("bootstrap")},
                                                            {"acks", "all"},
                                                            {"compression.type", given.text("codec", "none")},
                                                            {"linger.ms", given.text("linger-ms", "0")}});
  if (!options) give_up(options.error().message);
  options->on_delivery = [](const client::delivery_report& done) {
    if (done.error != nullptr) give_up("delivery failed: " + done.error->message);
  };
  auto made = client::producer::make(*std::move(options));
  if (!made) give_up(made.error().message);
  return *std::move(made);
}

client::consumer make_consumer(const arguments& given, const std::string& topic, long partitions) {
  auto options = client::consumer_options::from_properties(
      {{"bootstrap.servers", given.text("bootstrap")}, {"enable.auto.commit", "false"}, {"fetch.min.bytes", "1"}});
  if (!options) give_up(options.error().message);
  auto made = client::consumer::make(*std::move(options));
  if (!made) give_up(made.error().message);
  std::map<topic_partition, offset> from;
  for (std::int32_t p = 0; p < partitions; ++p) from[{topic, partition_id(p)}] = offset(0);
  if (const auto done = made->assign(std::move(from)).get(); !done) give_up(done.error().message);
  return *std::move(made);
}

/// Sends at the rate; each record carries when it was due.
void send_at_rate(const arguments& given, const std::string& topic, long partitions, long records, long rate) {
  auto to = make_producer(given);
  std::string value(static_cast<std::size_t>(std::max(8L, given.number("record-bytes", 100))), '.');
  const std::int64_t from = now_ns();
  for (long i = 0; i < records; ++i) {
    const std::int64_t due = from + i * (1'000'000'000 / rate);
    while (now_ns() < due) std::this_thread::sleep_until(clock::time_point(std::chrono::nanoseconds(due)));
    std::memcpy(value.data(), &due, sizeof due);
    const auto sent = to.send({.topic = topic,
                               .partition = partition_id(static_cast<std::int32_t>(i % partitions)),
                               .value = as_bytes(value)},
                              static_cast<std::uint64_t>(i));
    if (!sent) give_up(sent.error().message);
  }
  if (const auto done = to.close().get(); !done) give_up(done.error().message);
}

}  // namespace

/// From when a record was due to be sent until the consumer has it, as `loop e2e` of librdkafka. The first fifth is for
/// warming up. The topic must be empty.
void latency(const arguments& given) {
  const std::string topic = given.text("topic", "bench");
  const long partitions = given.number("partitions", 1);
  const long rate = given.number("rate", 10'000);
  const long records = given.number("records", 10 * rate);
  const long skip = records / 5;
  auto from = make_consumer(given, topic, partitions);
  // Its first fetch is under way before anything is sent.
  if (const auto early = from.poll(std::chrono::seconds(1)).get(); !early || !early->batches.empty()) {
    give_up(early ? "the topic wasn't empty" : early.error().message);
  }
  std::vector<double> waited;
  waited.reserve(static_cast<std::size_t>(records));
  std::thread sender([&] { send_at_rate(given, topic, partitions, records, rate); });
  for (long seen = 0; seen < records;) {
    const auto got = from.poll(std::chrono::seconds(1)).get();
    if (!got) give_up(got.error().message);
    for (const client::record_batch& batch : got->batches) {
      for (const record_view& record : batch) {
        std::int64_t due = 0;
        std::memcpy(&due, record.value->data(), sizeof due);
        if (++seen > skip) waited.push_back(static_cast<double>(now_ns() - due) / 1e6);
      }
    }
  }
  sender.join();
  std::ranges::sort(waited);
  fmt::print(R"({{"p50_ms": {:.4f}, "p99_ms": {:.4f}, "max_ms": {:.4f}, "records": {}, "peak_rss_mb": {:.1f}}})"
             "\n",
             waited[waited.size() / 2], waited[waited.size() * 99 / 100], waited.back(), waited.size(), peak_rss_mb());
}

}  // namespace moldau::bench
