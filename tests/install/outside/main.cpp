#include <chrono>
#include <iostream>
#include <moldau/client/admin.hpp>
#include <moldau/client/consumer.hpp>
#include <moldau/client/producer.hpp>
#include <moldau/client/typed.hpp>

using namespace moldau;
using namespace std::chrono_literals;

/// Makes a topic, sends a record and reads it back, by nothing but the installed library.
int main(int, char** arguments) {
  const client::client_options where{.bootstrap_servers = {arguments[1]}};
  const std::string topic = arguments[2];
  auto admin = client::admin::make(where).value();
  admin.create_topics({{.name = topic, .partitions = 1}}).get().value().at(topic).value();

  auto producer = client::producer::make({.client = where}).value();
  client::typed_producer<std::string, std::int64_t> out(producer, topic);
  out.send("answer", 42).get().value();

  auto consumer = client::consumer::make({.client = where}).value();
  consumer.assign(std::map<topic_partition, offset>{{{topic, partition_id(0)}, offset(0)}}).get().value();
  while (true) {
    const auto polled = consumer.poll(1s).get().value();
    for (const auto& batch : polled.batches) {
      for (const auto& raw : batch) {
        const auto record = client::read<std::string, std::int64_t>(batch, raw);
        std::cout << record.value().key << " = " << record.value().value << '\n';
        return 0;
      }
    }
  }
}
