#include <chrono>
#include <iostream>
#include <moldau/client/typed.hpp>

using namespace moldau::client;
using namespace std::chrono_literals;

// [guide
struct temperature {
  std::int32_t sensor = 0;
  double degrees = 0;
};

template <>
struct moldau::serde<temperature> {
  using value_type = temperature;
  void write(const temperature& t, std::vector<std::byte>& out) const {
    serde<std::int32_t>().write(t.sensor, out);
    serde<double>().write(t.degrees, out);
  }
  result<temperature> read(bytes_view from) const {
    if (from.size() != 12) return fail(errc::malformed, "a temperature takes 12 bytes");
    return temperature{serde<std::int32_t>().read(from.first(4)).value(), serde<double>().read(from.last(8)).value()};
  }
};

void measure(producer& by) {
  typed_producer<std::string, temperature> out(by, "temperatures");
  out.send("cellar", {.sensor = 7, .degrees = 11.5}).get().value();
  by.send({.topic = "temperatures", .key = moldau::as_bytes("attic"), .value = moldau::as_bytes("?")}).get().value();
}

void show(const record_batch& batch) {
  for (const moldau::record_view& raw : batch) {
    const auto record = read<std::string, temperature>(batch, raw);
    if (record) {
      std::cout << record->key << ": " << record->value.degrees << '\n';
    } else {
      // Names the topic, partition and offset; they are there as fields too.
      std::cout << record.error().message << '\n';
    }
  }
}
// guide]

int main(int, char** arguments) {
  auto producer = producer::make({.client = {.bootstrap_servers = {arguments[1]}}}).value();
  measure(producer);
  auto consumer = consumer::make({.client = {.bootstrap_servers = {arguments[1]}}}).value();
  std::map<moldau::topic_partition, moldau::offset> starts;
  for (const moldau::partition_id id : producer.partitions_of("temperatures").get().value()) {
    starts[{"temperatures", id}] = moldau::offset(0);
  }
  consumer.assign(starts).get().value();
  for (std::size_t seen = 0; seen < 2;) {
    const auto polled = consumer.poll(1s).get().value();
    for (const record_batch& batch : polled.batches) {
      show(batch);
      seen += batch.size();
    }
  }
}
