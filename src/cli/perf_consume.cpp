#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "cli/io.hpp"
#include "cli/io_clock.hpp"
#include "cli/io_progress.hpp"
#include "cli/perf.hpp"
#include "moldau/client/consumer.hpp"

namespace moldau::cli {

namespace {

/// What was read, from the first record that counts.
struct reading {
  std::uint64_t seen = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t batches = 0;
  std::int64_t began_ns = 0;
  std::int64_t first_ns = 0;
  std::int64_t end_ns = 0;
  bool idle = false;
};

result<void> begin(client::consumer& from, const perf_arguments& told) {
  if (told.group) return from.subscribe(told.topics).get();
  std::vector<topic_partition> partitions;
  for (const std::string& topic : told.topics) {
    MOLDAU_TRY_ASSIGN(const auto all, from.partitions_of(topic).get());
    for (const partition_id id : all) partitions.push_back({topic, id});
  }
  if (told.from_end) {
    MOLDAU_TRY_ASSIGN(auto ends, from.end_offsets(partitions).get());
    return from.assign(std::move(ends)).get();
  }
  MOLDAU_TRY_ASSIGN(auto begins, from.beginning_offsets(partitions).get());
  return from.assign(std::move(begins)).get();
}

void count(reading& out, const client::record_batch& batch, const perf_arguments& told) {
  ++out.batches;
  const std::uint64_t warm_up = told.warm_up.value_or(0);
  for (const record_view& record : batch) {
    if (told.records && out.seen >= *told.records + warm_up) return;
    if (++out.seen <= warm_up) continue;
    ++out.records;
    out.bytes += (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  }
}

/// Reads until there is enough, or nothing more: at the end of all partitions unless a number or a time was given.
result<reading> read_all(client::consumer& from, const perf_arguments& told, const std::atomic<bool>& interrupted) {
  io::progress work("consuming");
  reading out;
  out.began_ns = io::steady_ns();
  const std::uint64_t warm_up = told.warm_up.value_or(0);
  const std::int64_t end = told.duration ? out.began_ns + static_cast<std::int64_t>(*told.duration * 1e9) : INT64_MAX;
  const bool to_the_end = !told.records && !told.duration;
  std::set<topic_partition> ended;
  std::vector<topic_partition> assigned;
  std::int64_t last = out.began_ns;
  while (!interrupted) {
    MOLDAU_TRY_ASSIGN(const auto got, from.poll(std::chrono::milliseconds(100)).get());
    const std::int64_t now = io::steady_ns();
    for (const client::record_batch& batch : got.batches) {
      count(out, batch, told);
      if (to_the_end) ended.erase({batch.topic(), batch.partition()});
    }
    if (!got.batches.empty()) {
      last = now;
      if (out.seen > warm_up && out.first_ns == 0) out.first_ns = warm_up == 0 ? out.began_ns : now;
      out.end_ns = now;
      work.show(out.seen, told.records, out.seen);
    }
    if (told.records && out.records >= *told.records) break;
    if (now >= end) break;
    if (now - last > told.idle_ms * 1'000'000) {
      out.idle = true;
      break;
    }
    if (!to_the_end) continue;
    ended.insert(got.ends.begin(), got.ends.end());
    if (ended.empty()) continue;
    MOLDAU_TRY_ASSIGN(assigned, from.assignment().get());
    if (!assigned.empty() && std::ranges::all_of(assigned, [&](const auto& p) { return ended.contains(p); })) break;
  }
  return out;
}

}  // namespace

int perf_consume(const context& in, const perf_arguments& told) {
  auto properties = in.client_properties();
  if (!properties) return report(properties.error());
  properties->try_emplace("enable.auto.commit", told.group ? "true" : "false");
  properties->try_emplace("auto.offset.reset", told.from_end ? "latest" : "earliest");
  if (told.group) (*properties)["group.id"] = *told.group;
  auto options = client::consumer_options::from_properties(*properties);
  if (!options) return report(options.error());
  std::atomic<bool> interrupted = false;
  const io::on_interrupt stop([&] { interrupted = true; });
  auto from = client::consumer::make(*std::move(options));
  if (!from) return report(from.error());
  if (auto begun = begin(*from, told); !begun) return report(begun.error(), "consuming");
  const auto done = read_all(*from, told, interrupted);
  if (!done) return report(done.error(), "consuming");
  if (auto closed = from->close().get(); !closed) return report(closed.error(), "closing the consumer");
  const double seconds = done->records == 0 ? 0 : static_cast<double>(done->end_ns - done->first_ns) / 1e9;
  perf::print(in, {.records = done->records, .bytes = done->bytes, .seconds = seconds}, {{"batches", done->batches}});
  if (done->idle && told.records && !interrupted) {
    return report({errc::timed_out, fmt::format("only {} of {} records came: nothing more within {} ms", done->records,
                                                *told.records, told.idle_ms)});
  }
  return exit_ok;
}

}  // namespace moldau::cli
