#pragma once

#include <memory>

#include "base/log.hpp"

namespace moldau::app {

enum class log_format : unsigned char { text, json };

/// Log lines to standard error: `2026-01-31T12:00:00.123Z WARN storage: …`, or one JSON object a line.
/// Thread safe.
[[nodiscard]] std::unique_ptr<base::log_sink> make_stderr_log(log_format format);

}  // namespace moldau::app
