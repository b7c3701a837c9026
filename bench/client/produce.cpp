#include <fmt/format.h>

#include <atomic>
#include <string>

#include "bench/client/subcommands.hpp"
#include "bench/client/usage.hpp"
#include "bench/client/values.hpp"
#include "moldau/client/producer.hpp"

namespace moldau::bench {

namespace {

/// Sends records round the partitions in the form with a delivery handler and a tag.
class loop {
 public:
  explicit loop(const arguments& given)
      : topic_(given.text("topic", "bench")),
        partitions_(given.number("partitions", 1)),
        values_(static_cast<std::size_t>(given.number("record-bytes", 100))) {
    client::properties properties{{"bootstrap.servers", given.text("bootstrap", "localhost:9092")},
                                  {"acks", "all"},
                                  {"compression.type", given.text("codec", "none")},
                                  {"linger.ms", given.text("linger-ms", "5")}};
    if (const auto bytes = given.text("batch-bytes"); !bytes.empty()) properties["batch.size"] = bytes;
    if (const auto bytes = given.text("buffer-bytes"); !bytes.empty()) properties["buffer.memory"] = bytes;
    auto options = client::producer_options::from_properties(properties);
    if (!options) give_up(options.error().message);
    options->on_delivery = [](const client::delivery_report& done) {
      if (done.error != nullptr)
        give_up(fmt::format("delivery failed: {} ({})", done.error->message, name(done.error->code)));
    };
    auto made = client::producer::make(*std::move(options));
    if (!made) give_up(made.error().message);
    producer_.emplace(*std::move(made));
  }

  void send(long records) {
    for (long i = 0; i < records; ++i) {
      const auto sent = producer_->send({.topic = topic_,
                                         .partition = partition_id(static_cast<std::int32_t>(i % partitions_)),
                                         .value = as_bytes(values_.at(static_cast<std::size_t>(i)))},
                                        static_cast<std::uint64_t>(i));
      if (!sent) give_up(sent.error().message);
    }
    if (const auto done = producer_->flush().get(); !done) give_up(done.error().message);
  }

 private:
  std::string topic_;
  long partitions_;
  values values_;
  std::optional<client::producer> producer_;
};

}  // namespace

void produce(const arguments& given) {
  const long records = given.number("records", 1'000'000);
  loop of(given);
  of.send(given.number("warm-records", records / 10));
  const usage before = usage::now();
  of.send(records);
  const usage used = usage::now() - before;
  fmt::print(R"({{"records": {}, "seconds": {:.6f}, "cpu_seconds": {:.6f}, "peak_rss_mb": {:.1f}, )"
             R"("allocations_per_record": {:.6f}}})"
             "\n",
             records, used.wall_seconds, used.cpu_seconds, peak_rss_mb(),
             static_cast<double>(used.allocations) / static_cast<double>(records));
}

}  // namespace moldau::bench
