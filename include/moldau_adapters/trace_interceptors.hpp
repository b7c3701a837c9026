#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "moldau/client/consumer.hpp"
#include "moldau/client/producer.hpp"
#include "moldau_adapters/trace_context.hpp"

namespace moldau::adapters {

/// Sends every record with the headers of a span, so that whoever reads it goes on with the same trace; a record that
/// carries a trace already keeps it.
///
///     producer_options options;
///     options.interceptors = {std::make_shared<trace_sender>([](const auto&) { return current_span(); })};
class trace_sender final : public client::producer_interceptor {
 public:
  /// The span that the record is sent in: the one under way, or one that is begun for it; nothing for no trace. Called
  /// on the thread that sends, on several at once if several send.
  using span_of = std::function<std::optional<span_context>(const client::outgoing_record&)>;

  explicit trace_sender(span_of chosen) : span_of_(std::move(chosen)) {}

  void on_send(client::intercepted_record& record) override {
    if (context_of(record.record().headers)) return;
    const std::optional<span_context> span = span_of_(record.record());
    if (!span) return;
    record.add_header("traceparent", as_bytes(to_traceparent(*span)));
    if (!span->trace_state.empty()) record.add_header("tracestate", as_bytes(span->trace_state));
  }
  void on_acknowledgement(const client::delivery_report&) override {}

 private:
  const span_of span_of_;
};

/// Shows every record that a poll gives with the span that it was sent in, if any: to begin a span for its handling, or
/// to count. Who handles records one by one asks `context_of(record.headers)` in its own loop.
class trace_reader final : public client::consume_interceptor {
 public:
  /// Called on the client's I/O thread.
  using told = std::function<void(const client::record_batch&, const record_view&, const std::optional<span_context>&)>;

  explicit trace_reader(told whom) : told_(std::move(whom)) {}

  void on_consume(client::polled& records) override {
    for (const client::record_batch& batch : records.batches) {
      for (const record_view& record : batch) told_(batch, record, context_of(record.headers));
    }
  }

 private:
  const told told_;
};

}  // namespace moldau::adapters
