#include <chrono>
#include <coroutine>
#include <exception>
#include <iostream>
#include <latch>
#include <moldau/client/admin.hpp>
#include <moldau/client/producer.hpp>
#include <stop_token>

using namespace moldau::client;
using namespace std::chrono_literals;

/// Any coroutine type will do; this one runs by itself.
struct detached {
  struct promise_type {
    detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// [guide
detached greet(producer& producer, admin& admin, std::stop_token stop, std::latch& done) {
  // A call may have a deadline, and end when somebody asks it to.
  const auto topics = co_await admin.list_topics().within(10s).stopped_by(stop);
  if (topics) std::cout << "the cluster answers\n";
  const auto sent = co_await producer.send({.topic = "greetings", .value = moldau::as_bytes("from a coroutine")});
  if (sent) std::cout << "sent\n";
  done.count_down();
}
// guide]

int main(int, char** arguments) {
  auto producer = producer::make({.client = {.bootstrap_servers = {arguments[1]}}}).value();
  auto admin = admin::make({.bootstrap_servers = {arguments[1]}}).value();
  std::stop_source stop;
  std::latch done(1);
  greet(producer, admin, stop.get_token(), done);
  done.wait();
}
