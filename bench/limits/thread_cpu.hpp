#pragma once

#include <sys/resource.h>

namespace moldau::bench {

/// User and system time of the calling thread.
[[nodiscard]] inline double thread_cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace moldau::bench
