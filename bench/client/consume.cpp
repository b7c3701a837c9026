#include <fmt/format.h>

#include <map>
#include <string>

#include "bench/client/subcommands.hpp"
#include "bench/client/usage.hpp"
#include "moldau/client/consumer.hpp"

namespace moldau::bench {

namespace {

client::consumer open(const arguments& given) {
  const std::string topic = given.text("topic", "bench");
  client::properties properties{{"bootstrap.servers", given.text("bootstrap", "localhost:9092")},
                                {"group.id", "bench"},
                                {"enable.auto.commit", "false"},
                                {"check.crcs", given.text("check-crcs", "true")}};
  if (const auto bytes = given.text("partition-bytes"); !bytes.empty()) properties["max.partition.fetch.bytes"] = bytes;
  auto options = client::consumer_options::from_properties(properties);
  if (!options) give_up(options.error().message);
  if (const auto bytes = given.number("prefetch-bytes", 0); bytes > 0) {
    options->prefetch_bytes_max = static_cast<std::size_t>(bytes);
  }
  auto made = client::consumer::make(*std::move(options));
  if (!made) give_up(made.error().message);
  std::map<topic_partition, offset> from;
  const long partitions = given.number("partitions", 1);
  for (std::int32_t p = 0; p < partitions; ++p) from[{topic, partition_id(p)}] = offset(0);
  if (const auto done = made->assign(std::move(from)).get(); !done) give_up(done.error().message);
  return *std::move(made);
}

struct seen_so_far {
  long records = 0;
  long bytes = 0;
};

void read(client::consumer& from, long records, seen_so_far& seen) {
  while (seen.records < records) {
    const auto got = from.poll(std::chrono::seconds(1)).get();
    if (!got) give_up(got.error().message);
    for (const client::record_batch& batch : got->batches) {
      for (const record_view& record : batch) seen.bytes += static_cast<long>(record.value ? record.value->size() : 0);
      seen.records += static_cast<long>(batch.size());
    }
  }
}

}  // namespace

/// Reads what is there in the batch-view form. What is measured comes behind `warm-records`.
void consume(const arguments& given) {
  const long records = given.number("records", 1'000'000);
  client::consumer from = open(given);
  seen_so_far seen;
  const long warm_records = given.number("warm-records", records / 10);
  read(from, warm_records, seen);
  const seen_so_far warm = seen;
  const usage before = usage::now();
  read(from, warm_records + records, seen);
  const usage used = usage::now() - before;
  const long measured = seen.records - warm.records;
  fmt::print(R"({{"records": {}, "bytes": {}, "seconds": {:.6f}, "cpu_seconds": {:.6f}, "peak_rss_mb": {:.1f}, )"
             R"("allocations_per_record": {:.6f}}})"
             "\n",
             measured, seen.bytes - warm.bytes, used.wall_seconds, used.cpu_seconds, peak_rss_mb(),
             static_cast<double>(used.allocations) / static_cast<double>(measured));
}

}  // namespace moldau::bench
