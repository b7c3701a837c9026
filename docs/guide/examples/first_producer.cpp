#include <iostream>
#include <moldau/client/producer.hpp>

int main(int, char** arguments) {
  // [guide
  using namespace moldau::client;
  auto producer = producer::make({.client = {.bootstrap_servers = {arguments[1]}}}).value();
  auto sent = producer.send({.topic = "greetings", .value = moldau::as_bytes("hello")}).get();
  if (!sent) return std::cerr << sent.error().message << '\n', 1;
  std::cout << "sent to offset " << sent->offset.value() << '\n';
  // guide]
}
