#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "moldau/core/bytes.hpp"

namespace moldau::bench {

/// A blocking connection to a broker on the loopback, as cheap as one can be: the measured broker shares the cores with
/// it. Whatever fails ends the program.
class client_socket {
 public:
  explicit client_socket(std::uint16_t port);
  client_socket(const client_socket&) = delete;
  client_socket& operator=(const client_socket&) = delete;
  ~client_socket();

  void send_all(bytes_view bytes);
  /// Waits for at least one byte.
  [[nodiscard]] std::size_t receive_some(mutable_bytes into);
  void receive_all(mutable_bytes into);
  /// Takes `size` bytes off the connection without copying them out of the kernel.
  void discard(std::size_t size);

 private:
  /// How many bytes have to be there before a receiver is woken.
  void wake_at(std::size_t size);

  int fd_;
};

}  // namespace moldau::bench
