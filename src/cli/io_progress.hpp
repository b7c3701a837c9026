#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace moldau::cli::io {

/// A bar on standard error for work that takes long, drawn only on a terminal and a few times a second; gone when it
/// is destroyed.
class progress {
 public:
  explicit progress(std::string what);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// `done` of `total`, or of who knows how many. `count` is shown beside it, and `more` behind.
  void show(std::uint64_t done, std::optional<std::uint64_t> total, std::uint64_t count, const std::string& more = {});
  /// Whether `show` would draw now: for what costs something to find out.
  [[nodiscard]] bool is_due() const;

 private:
  std::string what_;
  bool on_;
  bool drawn_ = false;
  std::int64_t began_ms_;
  std::int64_t last_ms_ = 0;
};

}  // namespace moldau::cli::io
