#include "rt_asio/transport.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "rt_asio/core.hpp"
#include "rt_asio/listener.hpp"
#include "rt_asio/socket.hpp"
#include "rt_asio/system_error.hpp"

namespace moldau::rt_asio {

namespace asio = boost::asio;

namespace {

class tcp_transport final : public rt::transport {
 public:
  explicit tcp_transport(core_world& home) : home_(home) {}

  result<std::unique_ptr<rt::listener>> listen(const rt::endpoint& at, const rt::socket_buffers& buffers) override {
    return listen_at(home_.context(), at, buffers);
  }
  rt::task<result<std::unique_ptr<rt::connection>>> connect(rt::endpoint to, std::int64_t timeout_ms,
                                                            rt::socket_buffers buffers) override;
  std::unique_ptr<rt::connection> adopt(std::unique_ptr<rt::connection> from_other_core) override;

 private:
  rt::task<result<std::vector<tcp_address>>> resolve(const rt::endpoint& name, rt::time_point deadline);
  rt::task<result<std::unique_ptr<rt::connection>>> connect_to(tcp_address address, rt::time_point deadline,
                                                               rt::socket_buffers buffers);

  core_world& home_;
};

rt::task<result<std::vector<tcp_address>>> tcp_transport::resolve(const rt::endpoint& name, rt::time_point deadline) {
  boost::system::error_code not_numeric;
  const auto literal = asio::ip::make_address(name.host, not_numeric);
  if (!not_numeric) co_return std::vector<tcp_address>{{literal, name.port}};

  // The system's look-up can't be interrupted, so past the deadline its answer finds nobody waiting.
  rt::completion<result<std::vector<tcp_address>>> done;
  const auto waiting = std::make_shared<decltype(&done)>(&done);
  asio::ip::basic_resolver<asio::ip::tcp, asio::io_context::executor_type> resolver(home_.context());
  resolver.async_resolve(name.host, std::to_string(name.port), asio::ip::resolver_base::numeric_service,
                         [waiting, host = name.host](boost::system::error_code failed, const auto& found) {
                           auto* asked = std::exchange(*waiting, nullptr);
                           if (asked == nullptr) return;
                           if (failed) {
                             return asked->set(fail(errc::network_exception,
                                                    fmt::format("cannot resolve {}: {}", host, failed.message())));
                           }
                           std::vector<tcp_address> addresses;
                           for (const auto& each : found) addresses.push_back(each.endpoint());
                           asked->set(std::move(addresses));
                         });
  const auto limit = home_.post_at(deadline, [waiting, host = name.host] {
    auto* asked = std::exchange(*waiting, nullptr);
    if (asked != nullptr) asked->set(fail(errc::timed_out, fmt::format("cannot resolve {} in time", host)));
  });
  co_return co_await done;
}

rt::task<result<std::unique_ptr<rt::connection>>> tcp_transport::connect_to(tcp_address address,
                                                                            rt::time_point deadline,
                                                                            rt::socket_buffers buffers) {
  const std::string name = to_endpoint(address).to_string();
  unique_fd fd(::socket(address.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) co_return socket_error("connect to", name, errno);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  forgo_pacing(fd.get(), address);
  // Before connecting, or the window that the handshake agrees on wouldn't know
  // of it.
  if (buffers.send_bytes >= 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &buffers.send_bytes, sizeof buffers.send_bytes);
  }
  if (buffers.receive_bytes >= 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffers.receive_bytes, sizeof buffers.receive_bytes);
  }
  const bool connected = ::connect(fd.get(), address.data(), static_cast<socklen_t>(address.size())) == 0;
  if (!connected && errno != EINPROGRESS) co_return socket_error("connect to", name, errno);
  const socket_ptr socket(new socket_state(home_.context(), std::move(fd), address));
  if (!connected) {
    rt::completion<boost::system::error_code> writable;
    socket->wait_writable(writable);
    const auto limit = home_.post_at(deadline, [&] { socket->close(); });
    const auto failed = co_await writable;
    if (socket->is_closed()) co_return fail(errc::timed_out, fmt::format("cannot connect to {} in time", name));
    int number = failed.value();
    auto size = static_cast<socklen_t>(sizeof number);
    if (!failed) ::getsockopt(socket->descriptor(), SOL_SOCKET, SO_ERROR, &number, &size);
    if (number != 0) co_return socket_error("connect to", name, number);
  }
  co_return std::make_unique<tcp_connection>(socket);
}

rt::task<result<std::unique_ptr<rt::connection>>> tcp_transport::connect(rt::endpoint to, std::int64_t timeout_ms,
                                                                         rt::socket_buffers buffers) {
  const rt::time_point deadline = home_.now() + std::chrono::milliseconds(timeout_ms);
  MOLDAU_CO_TRY_ASSIGN(const auto addresses, co_await resolve(to, deadline));
  error last{errc::network_exception, fmt::format("cannot resolve {}: it has no address", to.host)};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // A share of what is left for each address, so that a silent first one leaves time for the second.
    const rt::duration share = (deadline - home_.now()) / static_cast<std::int64_t>(addresses.size() - i);
    auto made = co_await connect_to(addresses[i], home_.now() + share, buffers);
    if (made) co_return std::move(made);
    last = std::move(made).error();
  }
  co_return std::unexpected(std::move(last));
}

std::unique_ptr<rt::connection> tcp_transport::adopt(std::unique_ptr<rt::connection> from_other_core) {
  auto* connection = dynamic_cast<tcp_connection*>(from_other_core.get());
  MOLDAU_ASSERT(connection != nullptr);
  const tcp_address remote = connection->socket().remote();
  return std::make_unique<tcp_connection>(new socket_state(home_.context(), connection->socket().release(), remote));
}

}  // namespace

std::unique_ptr<rt::transport> make_transport(core_world& home) {
  return std::make_unique<tcp_transport>(home);
}

}  // namespace moldau::rt_asio
