#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "moldau/core/result.hpp"

namespace moldau::cli::io {

/// Lines, or everything, of a file or of standard input ("-").
class input {
 public:
  virtual ~input() = default;
  /// Reads up to `delimiter`, which isn't part of it; false at the end.
  [[nodiscard]] virtual result<bool> next(char delimiter, std::string& into) = 0;
  /// How many bytes have been read, and of how many, if that is known.
  [[nodiscard]] virtual std::uint64_t read_bytes() const = 0;
  [[nodiscard]] virtual std::optional<std::uint64_t> total_bytes() const = 0;
};

[[nodiscard]] result<std::unique_ptr<input>> open_input(const std::string& path);
/// The whole of a file. Errors: `not_found`, `io_error`, with the path.
[[nodiscard]] result<std::string> read_file(const std::string& path);

/// To standard output, as it is. Errors: `closed` when nobody reads any more, `io_error` when it can't be written; a
/// buffer lies between, so that may come with a later call.
[[nodiscard]] result<void> write_out(std::string_view bytes);
[[nodiscard]] result<void> flush_out();

[[nodiscard]] std::int64_t wall_ms();
/// Whether somebody sits in front of standard error.
[[nodiscard]] bool is_terminal();

/// Calls `what` at SIGINT and SIGTERM, on a thread of its own, until this object goes. Once a process at a time.
class on_interrupt {
 public:
  explicit on_interrupt(std::function<void()> what);
  ~on_interrupt();
  on_interrupt(const on_interrupt&) = delete;
  on_interrupt& operator=(const on_interrupt&) = delete;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace moldau::cli::io
