#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <moldau/client/producer.hpp>
#include <moldau_adapters/asio_executor.hpp>
#include <optional>
#include <thread>

int main(int, char** arguments) {
  // [guide
  using namespace moldau::client;
  boost::asio::io_context loop;
  moldau::adapters::asio_executor here(loop.get_executor());
  auto producer = producer::make({.client = {.bootstrap_servers = {arguments[1]}, .handlers = &here}}).value();

  // Keeps the loop going while the answer is on its way.
  std::optional working(boost::asio::make_work_guard(loop));
  const auto main_thread = std::this_thread::get_id();
  producer.send({.topic = "greetings", .value = moldau::as_bytes("over Asio")})
      .then([&](const moldau::result<delivery>& sent) {
        std::cout << (sent ? "sent" : sent.error().message)
                  << (std::this_thread::get_id() == main_thread ? ", told on the loop's thread\n" : "\n");
        working.reset();
      });
  loop.run();
  // guide]
}
