#include <iostream>
#include <moldau/client/consumer.hpp>

int main(int, char** arguments) {
  // [guide
  using namespace moldau::client;
  const auto options = consumer_options::from_properties({
      {"bootstrap.servers", arguments[1]},
      {"group.id", "billing"},
      {"auto.offset.reset", "earliest"},
      {"fetch.min.bytes", "65536"},
      {"key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer"},
  });
  if (!options) return std::cerr << options.error().message << '\n', 1;
  for (const std::string& name : options->client.ignored_properties) std::cout << name << " means nothing here\n";
  auto consumer = consumer::make(*options).value();
  std::cout << "group " << consumer.group_metadata().get().value().group_id << '\n';
  // guide]
}
