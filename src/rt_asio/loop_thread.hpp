#pragma once

#include <memory>

#include "base/log.hpp"
#include "rt/loop_thread.hpp"

namespace moldau::rt_asio {

struct loop_thread_options {
  /// For blocking calls.
  unsigned workers = 1;
  /// Where the world logs to, all of it; nowhere if null.
  std::shared_ptr<base::log_sink> log;
};

/// A host of one core on a thread of its own, which has begun.
[[nodiscard]] std::unique_ptr<rt::loop_thread> start_loop_thread(loop_thread_options chosen);

}  // namespace moldau::rt_asio
