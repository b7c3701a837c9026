#include "cli/run.hpp"

#include <fmt/format.h>

#include <csignal>
#include <system_error>

#include "cli/context.hpp"
#include "cli/io.hpp"
#include "cli/suggest.hpp"
#include "cli/tree.hpp"

namespace moldau::cli {

namespace {

/// The subcommand as far as the words name one.
CLI::App& deepest(CLI::App& root) {
  CLI::App* at = &root;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
  return *at;
}

/// What was probably meant by the first word that nothing takes.
std::string suggestion(CLI::App& root) {
  const auto left = root.remaining(true);
  if (left.empty()) return {};
  const std::string word = left.front().substr(0, left.front().find('='));
  CLI::App& at = deepest(root);
  std::vector<std::string> names;
  if (word.starts_with('-')) {
    for (const CLI::App* app : {&at, &root}) {
      for (const CLI::Option* option : app->get_options()) {
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      }
    }
  } else {
    for (const CLI::App* sub : at.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(sub->get_name());
  }
  const std::string near = nearest(word, names);
  return fmt::format("there is no {} '{}'{}", word.starts_with('-') ? "option" : "command", word,
                     near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

int wrong(CLI::App& root, const CLI::ParseError& why) {
  const std::string nearer = suggestion(root);
  CLI::App& at = deepest(root);
  std::string path = at.get_name();
  for (const CLI::App* up = at.get_parent(); up != nullptr; up = up->get_parent()) path = up->get_name() + " " + path;
  fmt::print(stderr, "moldau: {}\n  '{} --help' shows what there is\n", nearer.empty() ? why.what() : nearer, path);
  return exit_usage;
}

}  // namespace

int run(int argc, char** argv, const hooks& given) {
  // A reader that goes away is an error of a write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  tree commands(given);
  try {
    commands.app().parse(argc, argv);
  } catch (const CLI::Success& done) {
    // --help and --version.
    return commands.app().exit(done);
  } catch (const CLI::ParseError& why) {
    return wrong(commands.app(), why);
  }
  int code = exit_ok;
  try {
    code = commands.run_chosen();
  } catch (const std::system_error& why) {
    // fmt::print's, if it is the output's.
    const auto flushed = io::flush_out();
    if (flushed) throw;
    if (why.code() == std::errc::broken_pipe) return exit_ok;
    return report({errc::io_error, fmt::format("the output can't be written: {}", why.code().message())});
  }
  const auto flushed = io::flush_out();
  // A reader such as `head` that has seen enough is no failure; one that the command met was told by it.
  if (flushed || flushed.error().code == errc::closed || code != exit_ok) return code;
  return report(flushed.error());
}

}  // namespace moldau::cli
