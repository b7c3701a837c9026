#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/known_properties.hpp"
#include "moldau/client/options.hpp"

namespace moldau::client {

/// Turns properties into fields and gathers every mistake. One use; views the map.
///
///     property_reader in(from, client_kind::producer);
///     producer_options out;
///     out.client = in.common();
///     in.take("linger.ms", out.linger_ms, 0);
///     MOLDAU_TRY(in.finish(out.client));
class property_reader {
 public:
  property_reader(const properties& from, client_kind kind) : from_(from), kind_(kind) {}

  /// What every client has.
  [[nodiscard]] client_options common();

  void take(std::string_view name, std::string& into);
  void take(std::string_view name, std::optional<std::string>& into);
  /// Parts between commas, without blanks around them.
  void take(std::string_view name, std::vector<std::string>& into);
  void take(std::string_view name, bool& into);
  void take(std::string_view name, std::int64_t& into, std::int64_t least, std::int64_t most = INT64_MAX);
  void take(std::string_view name, std::int32_t& into, std::int32_t least, std::int32_t most = INT32_MAX);
  void take(std::string_view name, std::size_t& into);
  void take(std::string_view name, double& into, double least, double most);
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
  /// The text of a property that its taker parses itself, or null; marks it as taken.
  [[nodiscard]] const std::string* find(std::string_view name);
  void wrong(std::string_view name, std::string_view why);

  /// Nothing, or all mistakes, a line each: those found so far, and names that nobody knows. What Kafka's client of
  /// this kind knows and nobody took goes to `into.ignored_properties`.
  [[nodiscard]] result<void> finish(client_options& into);

 private:
  void refuse_security();

  const properties& from_;
  client_kind kind_;
  std::set<std::string_view> taken_;
  std::vector<std::string> mistakes_;
};

/// What can't be right in options made by hand: all of it, a line each. `errc::invalid_argument`.
[[nodiscard]] result<void> check(const client_options& options);

}  // namespace moldau::client
