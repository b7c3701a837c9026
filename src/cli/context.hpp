#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/run.hpp"
#include "moldau/client/options.hpp"
#include "moldau/core/result.hpp"

namespace moldau::cli {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

enum class output_form : unsigned char { table, json };

/// What every subcommand is told.
struct context {
  const hooks* given = nullptr;
  output_form output = output_form::table;
  std::string bootstrap = "localhost:9092";
  /// `-X name=value`: properties of the client, by Kafka's names.
  std::vector<std::string> properties;
  /// The longest that a call may take.
  std::int64_t timeout_ms = 15'000;

  /// All that was said about the client, together.
  [[nodiscard]] result<client::properties> client_properties() const;
  [[nodiscard]] result<client::client_options> client_options() const;
};

/// Prints `why`, with what to do about it, and gives the exit code.
int report(const error& why, std::string_view doing = {});
/// A mistake in the command line that its grammar doesn't show.
int report_usage(std::string_view sentence);

/// "a=b" taken apart. Errors: `errc::invalid_argument`.
[[nodiscard]] result<std::map<std::string, std::string>> parse_pairs(const std::vector<std::string>& pairs);

}  // namespace moldau::cli
