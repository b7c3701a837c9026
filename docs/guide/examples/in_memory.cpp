#include <iostream>
#include <moldau/client/producer.hpp>
#include <moldau/testing/fake_broker.hpp>

int main() {
  // [guide
  using namespace moldau;
  auto cluster = testing::fake_broker::start({.topics = {{.name = "orders"}}}).value();
  // The next two answers to a producer are errors.
  cluster.inject({.what = testing::fault::kind::error,
                  .of = testing::api::produce,
                  .times = 2,
                  .code = errc::not_enough_replicas});

  auto producer = client::producer::make({.client = {.bootstrap_servers = cluster.bootstrap_servers()}}).value();
  producer.send({.topic = "orders", .value = as_bytes("a crate of apples")}).get().value();
  for (const testing::fake_record& record : cluster.records({"orders", partition_id(0)})) {
    std::cout << *record.value << ", after " << cluster.count(testing::api::produce) << " requests\n";
  }
  // guide]
}
