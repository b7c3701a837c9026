#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "broker/memory_budget.hpp"
#include "broker/request.hpp"
#include "rt/event.hpp"
#include "rt/spawn.hpp"
#include "rt/world.hpp"

namespace moldau::broker {

/// Answers requests; the broker's dispatcher in production.
class request_handler {
 public:
  virtual ~request_handler() = default;
  /// Called on the connection's core. A produce calls `what.settle_order` once the order of its appends is settled.
  virtual rt::task<answer> handle(request& what) = 0;
};

struct connection_limits {
  /// `socket.request.max.bytes`: a longer frame closes the connection.
  std::size_t request_max_bytes = 100U * 1024 * 1024;
  /// How many bytes of requests one connection may have unanswered before it is read no further.
  std::size_t in_flight_max_bytes = 16U * 1024 * 1024;
  /// The same in requests.
  std::size_t in_flight_max = 64;
};

/// One client's connection: frames in, responses out in the order of their requests.
///
/// Produce requests overlap: the next is appended, in order, while the former wait for their sync. Every other request
/// starts when all before it are answered, as Kafka's muting of the channel has it. Lives on one core.
class connection {
 public:
  connection(rt::world& world, std::unique_ptr<rt::connection> socket, peer_info peer, request_handler& handler,
             memory_budget& budget, memory_budget& answers, connection_limits limits);

  /// Serves until the peer leaves, sends something that can't be answered, or `close` is called; returns when nothing
  /// of this connection runs any more.
  rt::task<void> run();

  /// Stops reading at once and lets what is in flight be answered; `close` cuts.
  void stop_reading();
  void close();

  [[nodiscard]] rt::time_point last_active() const { return last_active_; }
  /// Whether a request comes in, or a large answer goes out, so slowly since this was last asked that it holds memory
  /// for nothing. That is nobody's harm until others wait for memory.
  [[nodiscard]] bool is_stalled();
  [[nodiscard]] const peer_info& peer() const { return peer_; }

 private:
  struct slot {
    std::optional<answer> done;
    std::size_t request_bytes = 0;
    /// What a large answer holds until it is written.
    memory_budget::share memory;
    bool overlaps = false;
  };

  rt::task<std::optional<shared_bytes>> next_frame(memory_budget::share& held);
  /// Writes an answer, or several; large ones in pieces, so that a peer that takes none is known.
  rt::task<result<void>> write(std::vector<rt::chunk> out, bool large);
  void pop_answered();
  rt::task<void> serve(std::unique_ptr<request> what, slot& place);
  rt::task<void> write_loop();
  [[nodiscard]] bool parse_header(shared_bytes frame, request& into) const;

  rt::world& world_;
  std::unique_ptr<rt::connection> socket_;
  peer_info peer_;
  request_handler& handler_;
  memory_budget& budget_;
  memory_budget& answers_;
  connection_limits limits_;

  // What was read past the frame before: most requests are small, so one system call brings several.
  std::byte ahead_[512];
  std::size_t ahead_from_ = 0;
  std::size_t ahead_to_ = 0;

  /// How a request comes in, or a large answer goes out: whether it is the client that is waited for, and what had come
  /// or gone when that was last looked at.
  struct progress {
    bool under_way = false;
    std::size_t done_bytes = 0;
    std::size_t looked_at_bytes = 0;
    rt::time_point looked_at;

    void begin(rt::time_point now);
    [[nodiscard]] bool is_stalled(rt::time_point now);
  };
  progress receiving_;
  progress sending_;

  std::deque<slot> slots_;
  std::size_t in_flight_bytes_ = 0;
  /// A produce has been started whose appends aren't queued yet.
  bool queueing_ = false;
  rt::event answered_;
  rt::event progressed_;
  rt::gate running_;
  rt::time_point last_active_;
  bool closed_ = false;
  bool reading_ = true;
};

}  // namespace moldau::broker
