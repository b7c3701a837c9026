#pragma once

#include <string>
#include <vector>

namespace moldau::cli {

/// Columns that are as wide as they must be. Control characters of cells are shown as escapes, so that what a broker
/// says can't steer a terminal.
class table {
 public:
  explicit table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string to_text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

[[nodiscard]] std::string printable(std::string_view text);

}  // namespace moldau::cli
