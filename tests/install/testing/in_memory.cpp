#include <iostream>
#include <moldau/client/producer.hpp>
#include <moldau/testing/fake_broker.hpp>

using namespace moldau;

/// Sends to a cluster in memory that refuses the record twice at first, by nothing but the installed libraries.
int main() {
  auto cluster = testing::fake_broker::start({.topics = {{.name = "t"}}}).value();
  cluster.inject({.what = testing::fault::kind::error,
                  .of = testing::api::produce,
                  .times = 2,
                  .code = errc::not_enough_replicas});
  auto producer = client::producer::make({.client = {.bootstrap_servers = cluster.bootstrap_servers()}}).value();
  const auto sent = producer.send({.topic = "t", .value = as_bytes("hello")}).get();
  if (!sent) return std::cerr << sent.error().message << '\n', 1;
  for (const auto& record : cluster.records({"t", partition_id(0)})) {
    std::cout << record.value.value_or("") << " at offset " << record.offset.value() << ", " << cluster.faults_left()
              << " faults left\n";
  }
}
