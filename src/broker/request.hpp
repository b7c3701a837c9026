#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/memory_budget.hpp"
#include "broker/response_errors.hpp"
#include "moldau/core/bytes.hpp"
#include "rt/callback_list.hpp"
#include "rt/transport.hpp"
#include "rt/world.hpp"
#include "wire/arena.hpp"

namespace moldau::broker {

/// What a connection knows about its peer, the same for all of its requests.
struct peer_info {
  /// The name of the listener that it came through; metadata answers with that listener's endpoints.
  std::string listener;
  /// It is one of the controller's: only what the schemas give to controllers is served.
  bool controller = false;
  /// "/127.0.0.1", as Kafka prints a client's host.
  std::string host;
  /// From ApiVersions v3+; empty before.
  std::string software_name;
  std::string software_version;
  /// It sends no more, or the connection is closed: whoever waits on its behalf needn't. `on_gone` is called once.
  bool gone = false;
  rt::callback_list on_gone;
};

/// One request as it came: its header, and its body as views into the frame.
struct request {
  std::int16_t api_key = 0;
  std::int16_t api_version = 0;
  std::int32_t correlation_id = 0;
  std::string_view client_id;
  /// The receive buffer; `body` and every decoded field view it.
  shared_bytes frame;
  bytes_view body;
  /// What it holds of the core's memory: its frame, and what is decoded from it.
  memory_budget::share memory;
  /// The part of it that is decoded.
  std::size_t decoded_bytes = 0;
  /// What its answer takes while it is made.
  memory_budget::share answer_memory;
  peer_info* peer = nullptr;
  rt::time_point received;
  /// Keeps strings alive that the response views.
  wire::arena arena;
  /// The same for whole objects, an image in most cases.
  std::shared_ptr<const void> keep_alive;
  /// A produce calls it once its appends stand in their partitions' queues: the connection then starts the next one.
  void settle_order() {
    if (on_order_settled) std::exchange(on_order_settled, nullptr)();
  }
  std::move_only_function<void()> on_order_settled;
};

/// The memory of a message from here on is waited for before it is encoded, and charged until it is written.
inline constexpr std::size_t large_response_bytes = 64U * 1024;

/// A whole response frame, length and header included, ready for the socket.
struct response {
  std::vector<rt::chunk> chunks;
  std::size_t size_bytes = 0;
  /// What the message itself takes, without the records that are sent from where they are.
  std::size_t message_bytes = 0;
  /// For the metrics.
  error_counts errors;
};

/// What a handler came to.
struct answer {
  enum class kind : unsigned char {
    send,   ///< The response goes out in its turn.
    none,   ///< Nothing is expected (produce with acks=0).
    close,  ///< The stream can't be trusted any more: the connection is closed.
  };
  kind what = kind::send;
  response frame;

  [[nodiscard]] static answer nothing() { return {.what = kind::none, .frame = {}}; }
  [[nodiscard]] static answer close_connection() { return {.what = kind::close, .frame = {}}; }
};

}  // namespace moldau::broker
