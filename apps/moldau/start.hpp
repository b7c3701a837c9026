#pragma once

#include <map>
#include <optional>
#include <string>

namespace moldau::app {

/// What `moldau start` was asked for.
struct start_options {
  /// A `server.properties`; without it a single node with its data in ./moldau-data.
  std::optional<std::string> file;
  /// `--override name=value`: after the file.
  std::map<std::string, std::string, std::less<>> overrides;
};

/// Runs a node until SIGTERM or SIGINT (a clean stop) or until its disk fails. Returns the process's exit code.
int start(const start_options& options);

}  // namespace moldau::app
