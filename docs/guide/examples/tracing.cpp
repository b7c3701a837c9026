#include <iostream>
#include <moldau_adapters/trace_context.hpp>
#include <vector>

// [guide
using namespace moldau::adapters;

/// What a tracing library gives: the span that is under way.
span_context current_span() {
  return parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").value();
}

int main() {
  // The sender puts its span into the record's headers...
  const trace_headers outgoing(current_span());
  for (const moldau::header_view& header : outgoing.headers()) {
    std::cout << header.key << ": " << moldau::as_text(*header.value) << '\n';
  }
  // ...and whoever reads the record makes its own span a child of it.
  const auto parent = context_of(outgoing.headers());
  std::cout << (parent && parent->trace_id == current_span().trace_id ? "same trace\n" : "another trace\n");
}
// guide]
