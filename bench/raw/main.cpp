#include <fmt/format.h>

#include <string_view>

#include "bench/arguments.hpp"
#include "bench/raw/load.hpp"

/// bench_raw create|produce|fetch --port N --topic T [--pid N] [--partitions N] [--record-bytes N] [--batch-bytes N]
///           [--connections N] [--in-flight N] [--fetches-in-flight N] [--acks N] [--partition-bytes-max N]
///           [--megabytes N] [--warm-megabytes N]
///
/// Prints one line of JSON: bytes (of batches), records, seconds, cpu_seconds (of --pid).
int main(int argc, char** argv) {
  using namespace moldau::bench;
  const std::string_view what = argc > 1 ? argv[1] : "";
  const arguments given(argc, argv, 2);
  load of;
  of.port = static_cast<std::uint16_t>(given.number("port", 9092));
  of.pid = static_cast<int>(given.number("pid", 0));
  of.topic = given.text("topic", "bench");
  of.partitions = static_cast<std::int32_t>(given.number("partitions", of.partitions));
  of.record_bytes = static_cast<std::size_t>(given.number("record-bytes", 100));
  of.batch_bytes = static_cast<std::size_t>(given.number("batch-bytes", 16384));
  of.connections = static_cast<int>(given.number("connections", of.connections));
  of.in_flight = given.number("in-flight", of.in_flight);
  of.fetches_in_flight = static_cast<int>(given.number("fetches-in-flight", of.fetches_in_flight));
  of.acks = static_cast<std::int16_t>(given.number("acks", of.acks));
  of.partition_bytes_max = static_cast<std::int32_t>(given.number("partition-bytes-max", of.partition_bytes_max));
  of.bytes = given.number("megabytes", 1024) << 20;
  of.warm_bytes = given.number("warm-megabytes", 64) << 20;
  figures out;
  if (what == "create") {
    create_topic(of);
    return 0;
  }
  if (what == "produce") {
    out = run_produce(of);
  } else if (what == "fetch") {
    out = run_fetch(of);
  } else {
    give_up("say create, produce or fetch");
  }
  fmt::print(R"({{"bytes": {}, "records": {}, "seconds": {:.6f}, "cpu_seconds": {:.2f}}})"
             "\n",
             out.bytes, out.records, out.seconds, out.cpu_seconds);
}
