#include <atomic>
#include <iostream>
#include <moldau/client/producer.hpp>
#include <string>

int main(int, char** arguments) {
  using namespace moldau::client;
  // [guide
  std::atomic<int> delivered = 0;
  auto producer = producer::make({.client = {.bootstrap_servers = {arguments[1]}},
                                  // Runs on the client's I/O thread, where nothing may block.
                                  .on_delivery =
                                      [&](const delivery_report& report) {
                                        if (report.error == nullptr) ++delivered;
                                      }})
                      .value();
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::string text = "event " + std::to_string(i);
    // The bytes are copied before send returns. The tag comes back in the report.
    const auto queued = producer.send({.topic = "events", .value = moldau::as_bytes(text)}, i);
    if (!queued) std::cerr << queued.error().message << '\n';
  }
  producer.flush().get().value();
  std::cout << delivered << " delivered\n";
  // guide]
}
