#include "bench/client/usage.hpp"

#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>

// The C library's own, which it keeps under these names for those who stand in front of them.
extern "C" {
void* __libc_malloc(std::size_t size);                       // NOLINT
void* __libc_calloc(std::size_t count, std::size_t size);    // NOLINT
void* __libc_realloc(void* old, std::size_t size);           // NOLINT
void* __libc_memalign(std::size_t align, std::size_t size);  // NOLINT
}

namespace {
constinit std::atomic<std::uint64_t> allocations_made = 0;

void count() {
  allocations_made.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

extern "C" {
void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) {
  count();
  return __libc_calloc(n, size);
}
void* realloc(void* old, std::size_t size) {
  count();
  return __libc_realloc(old, size);
}
void* memalign(std::size_t align, std::size_t size) {
  count();
  return __libc_memalign(align, size);
}
void* aligned_alloc(std::size_t align, std::size_t size) {
  count();
  return __libc_memalign(align, size);
}
int posix_memalign(void** out, std::size_t align, std::size_t size) {
  count();
  *out = __libc_memalign(align, size);
  return *out != nullptr ? 0 : ENOMEM;
}
}

namespace moldau::bench {

usage usage::now() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return {.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(),
          .cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime),
          .allocations = allocations_made.load(std::memory_order_relaxed)};
}

double peak_rss_mb() {
  // Not getrusage's, which counts what was resident before exec too: the bench's own interpreter.
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "VmHWM:") continue;
  double kib = 0;
  status >> kib;
  return kib / 1024;
}

}  // namespace moldau::bench
