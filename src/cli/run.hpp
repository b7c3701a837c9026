#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "rt/file.hpp"

namespace moldau::cli {

/// What the tool can't do by itself; `apps/moldau` gives it.
struct hooks {
  /// The body of `moldau start`: runs a node and returns the process's exit code.
  std::function<int(std::optional<std::string> file, std::map<std::string, std::string, std::less<>> overrides)> start;
  /// For `log dump` and `log verify`, which read a directory without a broker.
  rt::file_system* files = nullptr;
};

/// The whole command line: parses it, runs the subcommand, prints. Returns the exit code: 0, 1 if something failed,
/// 2 for a command line that doesn't make sense.
[[nodiscard]] int run(int argc, char** argv, const hooks& given);

}  // namespace moldau::cli
