#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <vector>

#include "rt/transport.hpp"
#include "rt_asio/unique_fd.hpp"

namespace moldau::rt_asio {

using tcp_address = boost::asio::ip::tcp::endpoint;

/// As we print it: an IPv4 address that came through an IPv6 socket is an IPv4 address.
[[nodiscard]] rt::endpoint to_endpoint(const tcp_address& address);
[[nodiscard]] rt::endpoint local_endpoint(int fd);

/// Within one machine nothing is congested, while an algorithm that paces (bbr)
/// sets a timer for every segment: a quarter of what a fetch costs.
void forgo_pacing(int fd, const tcp_address& remote);

/// A socket and the operations under way on it. It outlives its handle (connection, listener) for as long as the event
/// loop still knows an operation of it, hence the count; all on one thread, hence not an atomic one.
///
/// Reads and writes call the system at once and turn to the event loop only when the socket has nothing more to give or
/// take. Only then is the descriptor registered there: a connection that was just accepted isn't, and so can move to
/// another core as a plain number.
class socket_state final : public boost::intrusive_ref_counter<socket_state, boost::thread_unsafe_counter> {
 public:
  /// `fd` is non-blocking.
  socket_state(boost::asio::io_context& context, unique_fd fd, const tcp_address& remote);
  ~socket_state();
  socket_state(const socket_state&) = delete;
  socket_state& operator=(const socket_state&) = delete;

  void read(mutable_bytes into, rt::completion<result<std::size_t>>& done);
  void write(std::vector<rt::chunk>& chunks, rt::completion<result<void>>& done);
  /// Sets `done` once the socket can be read or written, or with an error once it is closed; never inside the call.
  void wait_readable(rt::completion<boost::system::error_code>& done);
  void wait_writable(rt::completion<boost::system::error_code>& done);
  /// Ends what is under way, by way of the event loop: nobody is resumed inside the call.
  void close();

  /// Gives the descriptor away; the loop must not know it yet.
  [[nodiscard]] unique_fd release();
  [[nodiscard]] int descriptor() const { return fd_; }
  [[nodiscard]] bool is_closed() const { return fd_ < 0; }
  [[nodiscard]] const tcp_address& remote() const { return remote_; }

 private:
  using socket_type = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
  enum class step : unsigned char { progress, blocked, failed };

  void register_descriptor();
  void read_later(mutable_bytes into, rt::completion<result<std::size_t>>& done);
  [[nodiscard]] error closed_error(std::string_view doing) const;
  [[nodiscard]] std::unexpected<error> system_error(std::string_view doing, int number) const;

  void pump();
  void pump_when_writable();
  [[nodiscard]] step send_memory();
  [[nodiscard]] step send_file();
  void advance(std::size_t bytes);
  void finish_write(result<void> outcome);

  socket_type socket_;
  tcp_address remote_;
  int fd_;
  bool registered_ = false;

  bool reading_ = false;
  /// Whether the last read filled its buffer, so that trying again at once is worth a system call.
  bool more_likely_ = true;
  /// Reads since the loop last had its turn.
  unsigned reads_in_a_row_ = 0;

  rt::completion<result<void>>* write_done_ = nullptr;
  std::vector<rt::chunk> chunks_;
  std::size_t chunk_ = 0;
  /// Bytes of `chunks_[chunk_]` that are gone.
  std::uint64_t chunk_done_ = 0;
  error write_error_;
};

using socket_ptr = boost::intrusive_ptr<socket_state>;

/// The connection that its user holds.
class tcp_connection final : public rt::connection {
 public:
  explicit tcp_connection(socket_ptr socket) : socket_(std::move(socket)) {}
  tcp_connection(const tcp_connection&) = delete;
  tcp_connection& operator=(const tcp_connection&) = delete;
  ~tcp_connection() override { socket_->close(); }

  void close() override { socket_->close(); }
  rt::endpoint local() const override { return local_endpoint(socket_->descriptor()); }
  rt::endpoint remote() const override { return to_endpoint(socket_->remote()); }
  [[nodiscard]] socket_state& socket() { return *socket_; }

 protected:
  void start_read(mutable_bytes into, rt::completion<result<std::size_t>>& done) override { socket_->read(into, done); }
  void start_write(std::vector<rt::chunk>& chunks, rt::completion<result<void>>& done) override {
    socket_->write(chunks, done);
  }

 private:
  socket_ptr socket_;
};

}  // namespace moldau::rt_asio
