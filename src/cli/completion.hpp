#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace moldau::cli {

/// Prints the completion script of a shell, made from the tree of commands: every subcommand, option and choice.
int print_completion(CLI::App& root, const std::string& shell);
/// The script itself.
[[nodiscard]] std::string completion_script(CLI::App& root, const std::string& shell);

}  // namespace moldau::cli
