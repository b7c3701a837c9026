#include <iostream>
#include <memory>
#include <moldau/client/consumer.hpp>
#include <moldau/client/producer.hpp>
#include <moldau_adapters/trace_interceptors.hpp>

// [guide
using namespace moldau::client;
using namespace moldau::adapters;

/// What a tracing library gives: the span that is under way.
span_context current_span() {
  return parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").value();
}

int main(int, char** arguments) {
  // The interceptor puts the sender's span into the headers of every record...
  auto producer =
      producer::make(
          {.client = {.bootstrap_servers = {arguments[1]}},
           .interceptors = {std::make_shared<trace_sender>([](const outgoing_record&) { return current_span(); })}})
          .value();
  producer.send({.topic = "traced", .partition = moldau::partition_id(0), .value = moldau::as_bytes("hello")})
      .get()
      .value();

  auto consumer =
      consumer::make({.client = {.bootstrap_servers = {arguments[1]}}, .offset_reset = offset_reset::earliest}).value();
  consumer.assign({{"traced", moldau::partition_id(0)}}).get().value();
  for (const consumed_record& record : consumer) {
    for (const moldau::header_view& header : record.headers) {
      std::cout << header.key << ": " << moldau::as_text(*header.value) << '\n';
    }
    // ...and whoever reads the record makes its own span a child of it.
    const auto parent = context_of(record.headers);
    std::cout << (parent && parent->trace_id == current_span().trace_id ? "same trace\n" : "another trace\n");
    break;
  }
}
// guide]
