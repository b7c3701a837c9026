#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace moldau::config {

/// Something wrong with a configuration, with the place to mend.
struct mistake {
  /// From 1; 0 if it isn't about one line.
  std::size_t line = 0;
  /// The property, or empty.
  std::string name;
  /// A whole sentence that names the property and what to do.
  std::string message;

  friend bool operator==(const mistake&, const mistake&) = default;
};

/// All of them as lines of text ("server.properties:12: …"), for the log and the terminal.
[[nodiscard]] std::string to_text(std::span<const mistake> mistakes, std::string_view file);

}  // namespace moldau::config
