#include "bench/raw/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "bench/arguments.hpp"

namespace moldau::bench {

client_socket::client_socket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    give_up("cannot connect: " + std::string(std::strerror(errno)));
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Opens the window far beyond what `discard` waits for, or its last segment might not fit in.
  wake_at(8U << 20U);
  wake_at(1);
}

client_socket::~client_socket() {
  ::close(fd_);
}

void client_socket::send_all(bytes_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) give_up("cannot send: " + std::string(std::strerror(errno)));
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

std::size_t client_socket::receive_some(mutable_bytes into) {
  for (;;) {
    const auto got = ::recv(fd_, into.data(), into.size(), 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) give_up("the broker closed the connection");
    if (errno != EINTR) give_up("cannot receive: " + std::string(std::strerror(errno)));
  }
}

void client_socket::receive_all(mutable_bytes into) {
  while (!into.empty()) into = into.subspan(receive_some(into));
}

void client_socket::wake_at(std::size_t size) {
  const int bytes = static_cast<int>(size);
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

void client_socket::discard(std::size_t size) {
  // With MSG_TRUNC TCP drops the bytes; nothing is written to the buffer.
  static std::array<std::byte, 1> nowhere;
  // Woken once there is all to be had, not for every segment: the cores are the broker's as far as may be.
  constexpr std::size_t step = 1U << 20U;
  while (size > 0) {
    const std::size_t part = std::min(size, step);
    wake_at(part);
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, -1);
    const auto got = ::recv(fd_, nowhere.data(), part, MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) give_up("the broker closed the connection in the middle of a response");
    size -= static_cast<std::size_t>(got);
  }
  wake_at(1);
}

}  // namespace moldau::bench
