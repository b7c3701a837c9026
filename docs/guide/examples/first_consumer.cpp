#include <chrono>
#include <iostream>
#include <moldau/client/consumer.hpp>

int main(int, char** arguments) {
  // [guide
  using namespace moldau::client;
  using namespace std::chrono_literals;
  auto consumer = consumer::make({.client = {.bootstrap_servers = {arguments[1]}},
                                  .group_id = "readers",
                                  .offset_reset = offset_reset::earliest})
                      .value();
  consumer.subscribe({"greetings"}).get().value();
  for (bool done = false; !done;) {
    auto polled = consumer.poll(1s).get();
    if (!polled) return std::cerr << polled.error().message << '\n', 1;
    for (const record_batch& batch : polled->batches) {
      for (const moldau::record_view& record : batch) {
        std::cout << batch.topic() << ": " << moldau::as_text(*record.value) << '\n';
        done = true;
      }
    }
  }
  // guide]
}
