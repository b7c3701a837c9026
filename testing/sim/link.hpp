#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "rt/transport.hpp"
#include "rt/world.hpp"
#include "testing/sim/byte_queue.hpp"
#include "testing/sim/options.hpp"
#include "testing/sim/paths.hpp"
#include "testing/sim/scheduler.hpp"

namespace moldau::testing::sim {

/// One TCP connection between two programs: two ends, and a stream of bytes each way.
///
/// A stream goes from the sender's pending write into its send buffer, from there in segments through the network (in
/// order, each after a random time) into the receiver's buffer. The send buffer holds a byte until it is acknowledged.
/// A segment that can't get through is held until the path opens, or until the sender gives up.
class link : public std::enable_shared_from_this<link> {
 public:
  struct end {
    host_index host = 0;
    /// The core that owns it; null when closed or its process is gone.
    rt::world* home = nullptr;
    rt::endpoint address;
  };

  link(scheduler& queue, random_source random, const network_options& settings, paths& routes, end first, end second);

  // What the connection object of end `i` does.
  void read(std::size_t i, mutable_bytes into, rt::completion<result<std::size_t>>& done);
  void write(std::size_t i, std::vector<rt::chunk> chunks, rt::completion<result<void>>& done);
  /// What waits comes back with `closed`; what was written still goes out, then the end of the stream. Bytes that came
  /// unread, or come later, reset the connection.
  void close(std::size_t i);
  void move_to(std::size_t i, rt::world& home) { ends_[i].home = &home; }
  [[nodiscard]] const rt::endpoint& address(std::size_t i) const { return ends_[i].address; }

  // What happens to it.
  /// The process at end `i` is gone; with `power` on, its system closes the connection.
  void abandon(std::size_t i, bool power);
  /// Breaks it: an end learns of it after a while, or (`told` false) only by its own sending.
  void cut(bool told_first, bool told_second);
  /// Some path opened, or some host is back: what was held goes on.
  void retry();
  [[nodiscard]] bool between(host_index a, host_index b) const;
  [[nodiscard]] host_index host(std::size_t i) const { return ends_[i].host; }
  [[nodiscard]] bool lives_at(std::size_t i) const { return ends_[i].home != nullptr; }

 private:
  struct pending_read {
    mutable_bytes into;
    rt::completion<result<std::size_t>>* done;
  };
  struct pending_write {
    std::vector<rt::chunk> chunks;
    std::size_t index = 0;
    std::uint64_t offset = 0;
    rt::completion<result<void>>* done;
  };
  /// An empty segment is the end of the stream.
  using segment = shared_bytes;

  /// The stream from end `i` to the other, with the state of both of its ends.
  struct stream {
    byte_queue unsent;
    std::deque<segment> in_flight;
    std::size_t bytes_in_flight = 0;
    std::size_t unacknowledged = 0;
    /// Arrived, but the acknowledgement can't get back.
    std::size_t unconfirmed = 0;
    byte_queue received;
    bool end_wanted = false;
    bool end_sent = false;
    bool end_received = false;
    /// Arrivals that wait for the path; and which stall this is, for its timeout.
    std::size_t held = 0;
    std::uint64_t stall = 0;
    bool stalled = false;
    rt::duration last_arrival{0};
    /// By the sender's side.
    std::optional<pending_write> writing;
    /// By the receiver's side.
    std::optional<pending_read> reading;
  };

  stream& outgoing(std::size_t i) { return streams_[i]; }
  stream& incoming(std::size_t i) { return streams_[1 - i]; }

  /// Sets `done` now or by the core's queue, as chance will; after a wait always by the queue.
  template <typename T>
  void finish(std::size_t i, rt::completion<T>& done, T value, bool waited);
  result<void> fill(std::size_t i);
  void go_on_writing(std::size_t i);
  void pump(std::size_t i);
  void depart(std::size_t i, segment what);
  void arrive(std::size_t i);
  void deliver(std::size_t i, segment what);
  void acknowledge(std::size_t i, std::size_t bytes);
  void begin_stall(std::size_t i);
  void give_to_reader(std::size_t i, bool waited);
  /// End `i` fails with `network_exception`.
  void fail_end(std::size_t i, std::string why);
  void fail_end_later(std::size_t i, std::string why);
  void release(std::size_t i, const error& why);
  rt::duration latency();

  scheduler& queue_;
  random_source random_;
  const network_options& settings_;
  paths& routes_;
  std::array<end, 2> ends_;
  std::array<stream, 2> streams_;
  std::array<std::optional<error>, 2> failed_;
  /// Cut: nothing gets through any more.
  bool severed_ = false;
};

}  // namespace moldau::testing::sim
