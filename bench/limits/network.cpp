#include "bench/limits/network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/limits/thread_cpu.hpp"

namespace moldau::bench {
namespace {

constexpr std::size_t step_bytes = 1U << 20U;
/// As much as the rows' topics hold: of less, the kernel's own words about each page stay in the processor's cache.
constexpr std::size_t file_steps = 1024;

[[noreturn]] void give_up_with_errno(const std::string& what) {
  give_up(what + ": " + std::strerror(errno));
}

int make_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
  if (fd < 0) give_up_with_errno("cannot open " + path);
  const std::vector<char> block(step_bytes, 'm');
  for (std::size_t i = 0; i < file_steps; ++i) {
    if (::write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()))
      give_up_with_errno("cannot write");
  }
  return fd;
}

void read_all(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) give_up_with_errno("cannot connect");
  // As the raw load: first a wide window, then woken for each step.
  for (const int woken_at : {static_cast<int>(8 * step_bytes), static_cast<int>(step_bytes)}) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &woken_at, sizeof woken_at);
  }
  std::array<char, 1> nowhere{};
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  do {
    ::poll(&ready, 1, -1);
  } while (::recv(fd, nowhere.data(), step_bytes, MSG_TRUNC) > 0);
  ::close(fd);
}

/// As Kafka's default. These readers are woken for a whole step, so that a larger one gives them nothing.
constexpr int send_buffer_bytes = 102400;
/// One that doesn't pace, as moldau has it over loopback.
constexpr std::string_view congestion = "reno";

/// Returns the processor time it took.
double send_steps(int to, int file, std::size_t first, std::size_t steps) {
  const double cpu_from = thread_cpu_seconds();
  for (std::size_t i = first; i < first + steps; ++i) {
    auto position = static_cast<off_t>(i % file_steps * step_bytes);
    const off_t end = position + static_cast<off_t>(step_bytes);
    while (position < end) {
      if (::sendfile(to, file, &position, static_cast<std::size_t>(end - position)) <= 0) {
        give_up_with_errno("cannot send");
      }
    }
  }
  ::close(to);
  return thread_cpu_seconds() - cpu_from;
}

}  // namespace

void sendfile_loop(const arguments& given) {
  const std::string path = given.text("directory", ".") + "/limit-sendfile";
  const auto connections = static_cast<std::size_t>(given.number("connections", 4));
  const auto steps = static_cast<std::size_t>(given.number("megabytes", 4096)) / connections;
  const int file = make_file(path);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(listener, 128) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    give_up_with_errno("cannot listen");
  }
  std::vector<std::thread> threads;
  std::vector<int> accepted;
  for (std::size_t i = 0; i < connections; ++i) {
    threads.emplace_back([&] { read_all(ntohs(at.sin_port)); });
    accepted.push_back(::accept(listener, nullptr, nullptr));
    ::setsockopt(accepted.back(), SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
    ::setsockopt(accepted.back(), IPPROTO_TCP, TCP_CONGESTION, congestion.data(), congestion.size());
  }
  // Apart from each other, or all the same: what several consumers of one partition read.
  const std::size_t distance = given.number("apart", 0) != 0 ? file_steps / connections : 0;
  std::vector<double> cpu(connections);
  const auto from = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < connections; ++i) {
    threads.emplace_back([&, i] { cpu[i] = send_steps(accepted[i], file, i * distance, steps); });
  }
  for (auto& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  ::close(listener);
  ::close(file);
  ::unlink(path.c_str());
  double cpu_seconds = 0;
  for (const double each : cpu) cpu_seconds += each;
  fmt::print(R"({{"bytes": {}, "seconds": {:.6f}, "cpu_seconds": {:.4f}}})"
             "\n",
             steps * connections * step_bytes, seconds, cpu_seconds);
}

}  // namespace moldau::bench
