#include "bench/limits/disk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "bench/limits/thread_cpu.hpp"

namespace moldau::bench {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t step_bytes = 1U << 20U;
constexpr int steps_a_sync = 4;

int open_new(const std::string& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
  if (fd < 0) give_up("cannot open " + path + ": " + std::strerror(errno));
  return fd;
}

void write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const auto written = ::write(fd, data, size);
    if (written <= 0) give_up(std::string("cannot write: ") + std::strerror(errno));
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

void sync(int fd) {
  if (::fdatasync(fd) != 0) give_up(std::string("cannot sync: ") + std::strerror(errno));
}

}  // namespace

void write_loop(const arguments& given) {
  const std::string directory = given.text("directory", ".");
  const auto files = static_cast<std::size_t>(given.number("files", 1));
  const long steps = given.number("megabytes", 1024);
  const std::vector<char> block(step_bytes, 'm');
  std::vector<int> fds;
  for (std::size_t i = 0; i < files; ++i) fds.push_back(open_new(directory + "/limit-" + std::to_string(i)));
  const double cpu_from = thread_cpu_seconds();
  const auto from = clock::now();
  for (long i = 0; i < steps; ++i) {
    write_all(fds[static_cast<std::size_t>(i) % files], block.data(), block.size());
    if ((i + 1) % steps_a_sync == 0 || i + 1 == steps) std::ranges::for_each(fds, sync);
  }
  const double seconds = std::chrono::duration<double>(clock::now() - from).count();
  const double cpu = thread_cpu_seconds() - cpu_from;
  for (std::size_t i = 0; i < files; ++i) {
    ::close(fds[i]);
    ::unlink((directory + "/limit-" + std::to_string(i)).c_str());
  }
  fmt::print(R"({{"bytes": {}, "seconds": {:.6f}, "cpu_seconds": {:.4f}}})"
             "\n",
             static_cast<std::size_t>(steps) * step_bytes, seconds, cpu);
}

void append_loop(const arguments& given) {
  const std::string path = given.text("directory", ".") + "/limit-append";
  const std::vector<char> record(static_cast<std::size_t>(given.number("bytes", 100)) * 1000, 'm');
  const std::size_t record_bytes = record.size() / 1000;
  const long rate = given.number("rate", 5000);
  const long total = rate * given.number("seconds", 10);
  const auto period = std::chrono::nanoseconds(1'000'000'000 / rate);
  const int fd = open_new(path);
  std::vector<double> waited_ms;
  waited_ms.reserve(static_cast<std::size_t>(total));
  const auto from = clock::now();
  for (long done = 0; done < total;) {
    const long due = std::min<long>(total, (clock::now() - from) / period);
    if (due <= done) {
      const auto next = (from + period * (done + 1)).time_since_epoch();
      const timespec at{.tv_sec = next / std::chrono::seconds(1),
                        .tv_nsec = (next % std::chrono::seconds(1)) / std::chrono::nanoseconds(1)};
      ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
      continue;
    }
    for (long left = due - done; left > 0; left -= 1000) {
      write_all(fd, record.data(), static_cast<std::size_t>(std::min(left, 1000L)) * record_bytes);
    }
    sync(fd);
    const auto now = clock::now();
    for (; done < due; ++done) {
      waited_ms.push_back(std::chrono::duration<double, std::milli>(now - (from + period * (done + 1))).count());
    }
  }
  ::close(fd);
  ::unlink(path.c_str());
  std::ranges::sort(waited_ms);
  fmt::print(R"({{"p50_ms": {:.4f}, "p99_ms": {:.4f}}})"
             "\n",
             waited_ms[waited_ms.size() / 2], waited_ms[waited_ms.size() * 99 / 100]);
}

}  // namespace moldau::bench
