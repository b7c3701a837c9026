#pragma once

#include <memory>
#include <string>

#include "moldau/client/consumer.hpp"
#include "moldau/client/options.hpp"
#include "moldau/client/producer.hpp"

/// Reads orders and writes an invoice for each, at least once: it commits an order only when its invoice is delivered.
///
/// The service knows nothing of the simulator: where it runs is in the options that it is given.
class invoice_service : public std::enable_shared_from_this<invoice_service> {
 public:
  static constexpr const char* orders = "orders";
  static constexpr const char* invoices = "invoices";

  /// Throws std::runtime_error if the options can't be used.
  explicit invoice_service(const moldau::client::client_options& kafka);

  /// Begins; goes on for as long as it lives.
  void run();

 private:
  void poll();
  void write_invoices(moldau::client::polled orders);
  void commit();

  moldau::client::producer producer_;
  moldau::client::consumer consumer_;
};
