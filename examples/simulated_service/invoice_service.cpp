#include "invoice_service.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace client = moldau::client;

namespace {

client::producer make_producer(const client::client_options& kafka) {
  auto made = client::producer::make({.client = kafka, .linger_ms = 1});
  if (!made) throw std::runtime_error(made.error().message);
  return *std::move(made);
}

client::consumer make_consumer(const client::client_options& kafka) {
  auto made = client::consumer::make({.client = kafka,
                                      .group_id = "invoices",
                                      .offset_reset = client::offset_reset::earliest,
                                      .auto_commit = false,
                                      .session_timeout_ms = 6'000,
                                      .heartbeat_interval_ms = 1'000});
  if (!made) throw std::runtime_error(made.error().message);
  return *std::move(made);
}

/// Counts down; the last one to come in ends the wait.
struct countdown {
  std::size_t left = 0;
  bool failed = false;
};

}  // namespace

invoice_service::invoice_service(const client::client_options& kafka)
    : producer_(make_producer(kafka)), consumer_(make_consumer(kafka)) {}

void invoice_service::run() {
  consumer_.subscribe(std::vector<std::string>{orders})
      .then([self = weak_from_this()](const moldau::result<void>& joined) {
        const auto here = self.lock();
        if (here && joined) here->poll();
      });
}

void invoice_service::poll() {
  consumer_.poll(std::chrono::seconds(1)).then([self = weak_from_this()](moldau::result<client::polled> got) {
    const auto here = self.lock();
    if (!here) return;
    if (!got || got->batches.empty()) return here->poll();
    here->write_invoices(*std::move(got));
  });
}

void invoice_service::write_invoices(client::polled orders_read) {
  auto open = std::make_shared<countdown>();
  for (const auto& batch : orders_read.batches) open->left += batch.size();
  if (open->left == 0) return poll();
  for (const auto& batch : orders_read.batches) {
    for (const moldau::record_view& order : batch) {
      const std::string invoice =
          "invoice for " + std::string(moldau::as_text(order.value.value_or(moldau::bytes_view())));
      producer_.send({.topic = invoices, .key = order.key, .value = moldau::as_bytes(invoice)})
          .then([self = weak_from_this(), open](const moldau::result<client::delivery>& done) {
            if (!done) open->failed = true;
            if (--open->left > 0) return;
            const auto here = self.lock();
            // Without a commit the orders come again, to this or to another instance.
            if (here) open->failed ? here->poll() : here->commit();
          });
    }
  }
}

void invoice_service::commit() {
  consumer_.commit().then([self = weak_from_this()](const moldau::result<void>&) {
    if (const auto here = self.lock()) here->poll();
  });
}
