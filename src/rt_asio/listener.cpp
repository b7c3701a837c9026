#include "rt_asio/listener.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "rt_asio/system_error.hpp"

namespace moldau::rt_asio {

namespace asio = boost::asio;

namespace {

constexpr int backlog = 4096;

bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

unique_fd open_spare() {
  return unique_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// What the listener and an accept under way share: the one may be gone before the other.
struct listening {
  asio::io_context& context;
  socket_ptr socket;
  std::string name;
  /// Kept for the moment when descriptors have run out: given up, it lets a pending connection be taken and closed.
  /// That client would hang in the backlog otherwise, and the socket would stay readable for ever.
  unique_fd spare = open_spare();

  error out_of_descriptors(int number) {
    spare.reset();
    unique_fd(::accept4(socket->descriptor(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    spare = open_spare();
    return file_error("accept a connection at", name, number).error();
  }
  [[nodiscard]] error closed() const {
    return {errc::closed, fmt::format("cannot accept a connection at {}: the listener was closed", name)};
  }
};

rt::task<result<std::unique_ptr<rt::connection>>> accept_one(std::shared_ptr<listening> self) {
  while (!self->socket->is_closed()) {
    tcp_address remote;
    auto size = static_cast<socklen_t>(remote.capacity());
    unique_fd fd(::accept4(self->socket->descriptor(), remote.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      forgo_pacing(fd.get(), remote);
      co_return std::make_unique<tcp_connection>(new socket_state(self->context, std::move(fd), remote));
    }
    switch (const int number = errno) {
      case EAGAIN: {
        rt::completion<boost::system::error_code> readable;
        self->socket->wait_readable(readable);
        if (const auto failed = co_await readable; failed && !self->socket->is_closed()) {
          co_return file_error("accept a connection at", self->name, failed.value());
        }
        break;
      }
      case EMFILE:
      case ENFILE:
        co_return std::unexpected(self->out_of_descriptors(number));
      case ENOBUFS:
      case ENOMEM:
      case EBADF:
      case EINVAL:
      case ENOTSOCK:
        co_return file_error("accept a connection at", self->name, number);
      default:
        // The connection went before we took it, or its network did: nobody's business here, on to the next.
        break;
    }
  }
  co_return std::unexpected(self->closed());
}

class tcp_listener final : public rt::listener {
 public:
  explicit tcp_listener(std::shared_ptr<listening> shared) : shared_(std::move(shared)) {}
  tcp_listener(const tcp_listener&) = delete;
  tcp_listener& operator=(const tcp_listener&) = delete;
  ~tcp_listener() override { shared_->socket->close(); }

  rt::task<result<std::unique_ptr<rt::connection>>> accept() override { return accept_one(shared_); }
  rt::endpoint local() const override { return local_endpoint(shared_->socket->descriptor()); }
  void close() override { shared_->socket->close(); }

 private:
  std::shared_ptr<listening> shared_;
};

struct free_addresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

bool size_buffers(int fd, const rt::socket_buffers& buffers) {
  return (buffers.send_bytes < 0 || set_option(fd, SOL_SOCKET, SO_SNDBUF, buffers.send_bytes)) &&
         (buffers.receive_bytes < 0 || set_option(fd, SOL_SOCKET, SO_RCVBUF, buffers.receive_bytes));
}

/// A bound, listening socket; -1 with errno set.
unique_fd listen_on(const sockaddr* address, socklen_t size, const rt::socket_buffers& buffers) {
  unique_fd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) return fd;
  const bool dual = address->sa_family == AF_INET6 &&
                    IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  // Accepted sockets inherit all but the first two, which saves those calls for each connection.
  const bool ready =
      set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) &&
      (address->sa_family != AF_INET6 || set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, dual ? 0 : 1)) &&
      set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1) && set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1) &&
      size_buffers(fd.get(), buffers) && ::bind(fd.get(), address, size) == 0 && ::listen(fd.get(), backlog) == 0;
  if (ready) return fd;
  const int number = errno;
  fd.reset();
  errno = number;
  return fd;
}

/// Every interface: one socket for both families, as Java opens it, or IPv4 alone where the machine has no IPv6.
unique_fd listen_everywhere(std::uint16_t port, const rt::socket_buffers& buffers) {
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  unique_fd fd = listen_on(reinterpret_cast<const sockaddr*>(&six), sizeof six, buffers);
  if (fd || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)) return fd;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  return listen_on(reinterpret_cast<const sockaddr*>(&four), sizeof four, buffers);
}

}  // namespace

result<std::unique_ptr<rt::listener>> listen_at(asio::io_context& context, const rt::endpoint& at,
                                                const rt::socket_buffers& buffers) {
  unique_fd fd;
  if (at.host.empty() || at.host == "0.0.0.0" || at.host == "::") {
    fd = listen_everywhere(at.port, buffers);
  } else {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(at.host.c_str(), std::to_string(at.port).c_str(), &hints, &found);
    const std::unique_ptr<addrinfo, free_addresses> list(found);
    if (failed != 0) {
      return fail(errc::io_error, fmt::format("cannot listen at {}: {}", at.to_string(), ::gai_strerror(failed)));
    }
    for (const addrinfo* each = found; each != nullptr && !fd; each = each->ai_next) {
      fd = listen_on(each->ai_addr, each->ai_addrlen, buffers);
    }
  }
  if (!fd) {
    const int number = errno;
    auto refused = file_error("listen at", at.to_string(), number);
    if (number == EADDRINUSE) refused.error().code = errc::already_exists;
    return refused;
  }
  tcp_address address;
  auto size = static_cast<socklen_t>(address.capacity());
  ::getsockname(fd.get(), address.data(), &size);
  const std::string name = to_endpoint(address).to_string();
  return std::make_unique<tcp_listener>(std::make_shared<listening>(
      listening{.context = context, .socket = new socket_state(context, std::move(fd), address), .name = name}));
}

}  // namespace moldau::rt_asio
