#include "cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/context.hpp"

namespace moldau::cli {

namespace {

/// One command with what can follow it.
struct node {
  std::string path;
  std::vector<std::pair<std::string, std::string>> commands;
  std::vector<std::pair<std::string, std::string>> options;
};

std::vector<std::pair<std::string, std::string>> options_of(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) out.emplace_back("--" + name, option->get_description());
    for (const std::string& name : option->get_snames()) out.emplace_back("-" + name, option->get_description());
  }
  return out;
}

void collect(CLI::App& app, const std::string& path, const std::vector<std::pair<std::string, std::string>>& inherited,
             std::vector<node>& into) {
  node here{.path = path, .commands = {}, .options = options_of(app)};
  // Options of the root may stand anywhere.
  for (const auto& option : inherited) {
    const auto same = [&](const auto& own) { return own.first == option.first; };
    if (std::none_of(here.options.begin(), here.options.end(), same)) here.options.push_back(option);
  }
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* sub : subcommands) here.commands.emplace_back(sub->get_name(), sub->get_description());
  into.push_back(std::move(here));
  for (CLI::App* sub : subcommands) collect(*sub, path + " " + sub->get_name(), inherited, into);
}

std::string words(const std::vector<std::pair<std::string, std::string>>& of) {
  std::string out;
  for (const auto& [name, what] : of) out += (out.empty() ? "" : " ") + name;
  return out;
}

std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string bash(const std::vector<node>& nodes) {
  std::string out =
      "_moldau() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} path=moldau word commands options i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    case \"$path $word\" in\n";
  for (const node& n : nodes) {
    if (n.path != "moldau") out += fmt::format("      {}) path={} ;;\n", shell_quoted(n.path), shell_quoted(n.path));
  }
  out +=
      "    esac\n"
      "  done\n"
      "  case \"$path\" in\n";
  for (const node& n : nodes) {
    out += fmt::format("    {}) commands={} options={} ;;\n", shell_quoted(n.path), shell_quoted(words(n.commands)),
                       shell_quoted(words(n.options)));
  }
  out +=
      "  esac\n"
      "  if [[ $current == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
      "  elif [[ -n $commands ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$commands\" -- \"$current\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
      "  fi\n"
      "}\n"
      "complete -o filenames -F _moldau moldau\n";
  return out;
}

std::string zsh(const std::vector<node>& nodes) {
  std::string out =
      "#compdef moldau\n"
      "_moldau() {\n"
      "  local path=moldau word i\n"
      "  local -a commands options\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    word=${words[i]}\n"
      "    case \"$path $word\" in\n";
  for (const node& n : nodes) {
    if (n.path != "moldau") out += fmt::format("      {}) path={} ;;\n", shell_quoted(n.path), shell_quoted(n.path));
  }
  out +=
      "    esac\n"
      "  done\n"
      "  case \"$path\" in\n";
  const auto list = [](const std::vector<std::pair<std::string, std::string>>& of) {
    std::string text;
    for (const auto& [name, what] : of) {
      std::string entry = name + ":";
      for (const char c : what) entry += c == ':' ? std::string("\\:") : std::string(1, c);
      text += (text.empty() ? "" : " ") + shell_quoted(entry);
    }
    return text;
  };
  for (const node& n : nodes) {
    out += fmt::format("    {})\n      commands=({})\n      options=({})\n      ;;\n", shell_quoted(n.path),
                       list(n.commands), list(n.options));
  }
  out +=
      "  esac\n"
      "  if [[ ${words[CURRENT]} == -* ]]; then\n"
      "    _describe option options\n"
      "  elif (( ${#commands} )); then\n"
      "    _describe command commands\n"
      "  else\n"
      "    _files\n"
      "  fi\n"
      "}\n"
      "compdef _moldau moldau\n";
  return out;
}

std::string fish(const std::vector<node>& nodes) {
  std::string out =
      "function __moldau_path\n"
      "  set -l path moldau\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$path $word\"\n";
  for (const node& n : nodes) {
    if (n.path != "moldau")
      out += fmt::format("      case {}\n        set path {}\n", shell_quoted(n.path), shell_quoted(n.path));
  }
  out +=
      "    end\n"
      "  end\n"
      "  echo $path\n"
      "end\n";
  for (const node& n : nodes) {
    const std::string when = shell_quoted(fmt::format("test (__moldau_path) = \"{}\"", n.path));
    for (const auto& [name, what] : n.commands) {
      out += fmt::format("complete -c moldau -f -n {} -a {} -d {}\n", when, shell_quoted(name), shell_quoted(what));
    }
    for (const auto& [name, what] : n.options) {
      const bool is_long = name.starts_with("--");
      out += fmt::format("complete -c moldau -n {} {} {} -d {}\n", when, is_long ? "-l" : "-s",
                         name.substr(is_long ? 2 : 1), shell_quoted(what));
    }
  }
  return out;
}

}  // namespace

std::string completion_script(CLI::App& root, const std::string& shell) {
  std::vector<node> nodes;
  collect(root, "moldau", options_of(root), nodes);
  if (shell == "zsh") return zsh(nodes);
  if (shell == "fish") return fish(nodes);
  return bash(nodes);
}

int print_completion(CLI::App& root, const std::string& shell) {
  fmt::print("{}", completion_script(root, shell));
  return exit_ok;
}

}  // namespace moldau::cli
