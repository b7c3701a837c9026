#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/histogram.hpp"
#include "cli/json_text.hpp"
#include "moldau/core/result.hpp"

/// What the three loads of `moldau perf` share.
namespace moldau::cli::perf {

/// The values of records, in turn: lines of a file, or slices of a text that looks like chance and is the same in
/// every run.
class payloads {
 public:
  /// Errors: the file's, or `errc::invalid_argument` for one that holds no line.
  [[nodiscard]] static result<payloads> make(const perf_arguments& told);
  /// Valid until this object goes.
  [[nodiscard]] bytes_view next();

 private:
  std::vector<std::string> lines_;
  std::string text_;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
};

/// When each record is due at a rate; at once without one.
class pace {
 public:
  pace(std::optional<double> per_second, std::int64_t begin_ns);
  /// Of the record of that number; `begin_ns` for all without a rate.
  [[nodiscard]] std::int64_t due_ns(std::uint64_t number) const;
  /// Waits for it, unless `interrupted` says that nobody does.
  void wait_for(std::uint64_t number, const std::function<bool()>& interrupted) const;

 private:
  std::int64_t begin_ns_;
  double period_ns_ = 0;
};

/// Makes the topic if it isn't there and `partitions` were given. Errors: `unknown_topic_or_partition`, and
/// `invalid_argument` for a topic of another number of partitions.
[[nodiscard]] result<void> ensure_topic(const context& in, const perf_arguments& told, const std::string& topic);

/// What a run comes to.
struct figures {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;
  /// Nothing where none was measured.
  const histogram* latency = nullptr;
};
/// Prints them as a table, or as JSON with `more` in it.
void print(const context& in, const figures& of, const json& more = json::object());

}  // namespace moldau::cli::perf
