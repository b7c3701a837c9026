#include <iostream>
#include <moldau/client/admin.hpp>

int main(int, char** arguments) {
  // [guide
  using namespace moldau::client;
  auto admin = admin::make({.bootstrap_servers = {arguments[1]}}).value();

  // A call that names several things answers for each.
  const auto made =
      admin.create_topics({{.name = "orders", .partitions = 3, .configs = {{"retention.ms", "86400000"}}}}).get();
  if (!made) return std::cerr << made.error().message << '\n', 1;
  for (const auto& [name, outcome] : *made) {
    std::cout << name << ": " << (outcome ? "made" : outcome.error().message) << '\n';
  }

  const config_resource orders{resource_type::topic, "orders"};
  const auto configs = admin.describe_configs({orders}).get().value();
  for (const config_entry& entry : configs.at(orders).value()) {
    if (entry.source == config_source::topic) std::cout << entry.name << " = " << *entry.value << '\n';
  }

  const moldau::topic_partition first{"orders", moldau::partition_id(0)};
  const auto ends = admin.list_offsets({{first, offset_spec::latest()}}).get().value();
  std::cout << "orders-0 ends at " << ends.at(first).value().offset.value() << '\n';
  // guide]
}
