#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "moldau/core/bytes.hpp"
#include "moldau/core/result.hpp"
#include "rt/completion.hpp"
#include "rt/file.hpp"
#include "rt/task.hpp"

namespace moldau::rt {

/// A host and port. `host` is an address or a name; port 0 asks the system for a free one when listening.
struct endpoint {
  std::string host;
  std::uint16_t port = 0;

  friend auto operator<=>(const endpoint&, const endpoint&) = default;
  [[nodiscard]] std::string to_string() const;
};

/// A range of a file to be sent without copying it through user space (sendfile).
struct file_range {
  std::shared_ptr<file> source;
  std::uint64_t position = 0;
  std::uint64_t size_bytes = 0;
};

/// One piece of a gathered write.
using chunk = std::variant<shared_bytes, file_range>;

/// A stream connection. One read and one write may be under way at a time, both on the connection's own core.
/// `close` (and the destructor) end both: what waits comes back with `errc::closed`.
class connection {
 public:
  virtual ~connection() = default;

  /// Waits until at least one byte is there and reads what is, up to `into.size()`. 0 bytes means the peer has ended
  /// its side. Errors: `closed`, `network_exception`.
  [[nodiscard]] auto read_some(mutable_bytes into) {
    struct awaiter {
      connection& self;
      mutable_bytes into;
      completion<result<std::size_t>> done;
      bool await_ready() {
        self.start_read(into, done);
        return done.is_set();
      }
      void await_suspend(std::coroutine_handle<> waiting) { done.await_suspend(waiting); }
      result<std::size_t> await_resume() { return done.await_resume(); }
    };
    return awaiter{.self = *this, .into = into, .done = {}};
  }

  /// Writes all chunks in order. The file ranges should be resident; what isn't makes the reactor wait for the disk.
  [[nodiscard]] auto write(std::vector<chunk> chunks) {
    struct awaiter {
      connection& self;
      std::vector<chunk> chunks;
      completion<result<void>> done;
      bool await_ready() {
        self.start_write(chunks, done);
        return done.is_set();
      }
      void await_suspend(std::coroutine_handle<> waiting) { done.await_suspend(waiting); }
      result<void> await_resume() { return done.await_resume(); }
    };
    return awaiter{.self = *this, .chunks = std::move(chunks), .done = {}};
  }

  /// The same from a list that the caller goes on using: it comes back empty, with memory for the next pieces. The list
  /// must live until this is awaited.
  [[nodiscard]] auto write_from(std::vector<chunk>& chunks) {
    struct awaiter {
      connection& self;
      std::vector<chunk>& chunks;
      completion<result<void>> done;
      bool await_ready() {
        self.start_write(chunks, done);
        return done.is_set();
      }
      void await_suspend(std::coroutine_handle<> waiting) { done.await_suspend(waiting); }
      result<void> await_resume() { return done.await_resume(); }
    };
    return awaiter{.self = *this, .chunks = chunks, .done = {}};
  }

  virtual void close() = 0;
  [[nodiscard]] virtual endpoint local() const = 0;
  [[nodiscard]] virtual endpoint remote() const = 0;

 protected:
  /// Implementations set `done` when finished; at once (inside the call) if no waiting is needed.
  virtual void start_read(mutable_bytes into, completion<result<std::size_t>>& done) = 0;
  /// Writing takes the pieces out of `chunks`, before this returns, and may leave it the memory of earlier ones.
  virtual void start_write(std::vector<chunk>& chunks, completion<result<void>>& done) = 0;
};

/// A listening socket. One accept at a time.
class listener {
 public:
  virtual ~listener() = default;
  /// Errors: `closed`; `io_error` when descriptors have run out (wait a little, then go on).
  /// The connection belongs to this core until `transport::adopt` moves it.
  [[nodiscard]] virtual task<result<std::unique_ptr<connection>>> accept() = 0;
  [[nodiscard]] virtual endpoint local() const = 0;
  virtual void close() = 0;
};

/// Sizes of the kernel's buffers of a connection, in bytes; -1 leaves them to the kernel, which lets them grow.
struct socket_buffers {
  std::int32_t send_bytes = -1;
  std::int32_t receive_bytes = -1;
};

/// A core's way to the network.
class transport {
 public:
  virtual ~transport() = default;
  /// Host "" or "0.0.0.0" listens on every interface. `buffers` is for the connections that it will accept.
  /// Errors: `already_exists` (address in use), `io_error`.
  [[nodiscard]] virtual result<std::unique_ptr<listener>> listen(const endpoint& at,
                                                                 const socket_buffers& buffers = {}) = 0;
  /// Resolves and connects; every address that a name has is tried. Errors:
  /// `network_exception`, `timed_out`.
  [[nodiscard]] virtual task<result<std::unique_ptr<connection>>> connect(endpoint to, std::int64_t timeout_ms,
                                                                          socket_buffers buffers = {}) = 0;
  /// Takes over a connection that another core of this host accepted and that nothing was awaited on yet.
  /// Called on the new core.
  [[nodiscard]] virtual std::unique_ptr<connection> adopt(std::unique_ptr<connection> from_other_core) = 0;
};

}  // namespace moldau::rt
