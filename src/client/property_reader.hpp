#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moldau/client/options.hpp"

namespace moldau::client {

/// Turns properties into fields and gathers every mistake. One use; views the map.
class property_reader {
 public:
  explicit property_reader(const properties& from) : from_(from) {}

  void take(std::string_view name, std::string& into);
  void take(std::string_view name, std::optional<std::string>& into);
  void take(std::string_view name, std::vector<std::string>& into);
  void take(std::string_view name, bool& into);
  void take(std::string_view name, std::int64_t& into, std::int64_t least, std::int64_t most = INT64_MAX);
  void take(std::string_view name, std::int32_t& into, std::int32_t least);
  void take(std::string_view name, std::size_t& into);
  /// One of the names.
  template <typename E>
  void take(std::string_view name, E& into, std::initializer_list<std::pair<std::string_view, E>> choices) {
    const auto* text = find(name);
    if (text == nullptr) return;
    std::string listed;
    for (const auto& [choice, value] : choices) {
      if (choice == *text) {
        into = value;
        return;
      }
      listed += (listed.empty() ? "" : ", ") + std::string(choice);
    }
    wrong(name, "must be one of " + listed);
  }
  void wrong(std::string_view name, std::string_view why);

  /// Nothing, or all mistakes.
  [[nodiscard]] result<void> status() const;

 private:
  [[nodiscard]] const std::string* find(std::string_view name) const;

  const properties& from_;
  std::string mistakes_;
};

}  // namespace moldau::client
