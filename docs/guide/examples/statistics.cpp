#include <iostream>
#include <moldau/client/admin.hpp>

int main(int, char** arguments) {
  // [guide
  using namespace moldau::client;
  auto admin = admin::make({.bootstrap_servers = {arguments[1]},
                            .client_id = "inspector",
                            .log = [](log_severity, std::string_view line) { std::cerr << line << '\n'; }})
                   .value();
  admin.list_topics().get().value();
  const statistics counted = admin.statistics().get().value();
  for (const broker_statistics& broker : counted.brokers) {
    std::cout << broker.address << ": " << broker.responses << " answers\n";
  }
  std::cout << to_prometheus(counted);
  // guide]
}
