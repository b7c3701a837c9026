#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

#include "cli/commands.hpp"

namespace moldau::cli {

/// The command line's grammar: every subcommand and option, and what to call for the one that was chosen.
class tree {
 public:
  explicit tree(const hooks& given);
  tree(const tree&) = delete;
  tree& operator=(const tree&) = delete;

  [[nodiscard]] CLI::App& app() { return app_; }
  /// After a successful parse.
  [[nodiscard]] int run_chosen();

 private:
  using body = std::function<int()>;

  CLI::App& add(CLI::App& to, const std::string& name, const std::string& what, body run);
  CLI::App& add_folder(const std::string& name, const std::string& what);

  void add_start();
  void add_topic();
  void add_produce();
  void add_consume();
  void add_group();
  void add_config();
  void add_cluster();
  void add_log();
  void add_perf();
  void add_mirror();
  void add_completion();

  const hooks& given_;
  CLI::App app_;
  context context_;
  std::string output_ = "table";
  body chosen_;

  std::optional<std::string> start_file_;
  std::vector<std::string> start_overrides_;
  topic_arguments topic_;
  std::string records_topic_;
  std::vector<std::string> records_before_;
  produce_arguments produce_;
  consume_arguments consume_;
  group_arguments group_;
  config_arguments config_;
  std::vector<std::int32_t> brokers_;
  std::vector<std::string> feature_changes_;
  bool downgrade_ = false;
  bool unsafe_ = false;
  log_arguments log_;
  perf_arguments perf_;
  mirror_arguments mirror_;
  std::string shell_;
};

}  // namespace moldau::cli
