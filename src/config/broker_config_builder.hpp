#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/broker_config.hpp"

namespace moldau::config {

/// Puts a `broker_config` together from static settings and gathers all that is wrong with them. Used once.
struct broker_config_builder {
  broker_config out;
  std::vector<mistake> errors;
  std::vector<mistake> warnings;
  /// Properties that didn't parse: checks that build on them are left out.
  std::set<std::string, std::less<>> broken;

  /// The last one of a name wins.
  void set(std::string name, std::string text, static_origin written, std::size_t line);
  [[nodiscard]] loaded_broker_config finish();

 private:
  [[nodiscard]] std::size_t line_of(std::string_view name) const;
  void wrong(std::string_view name, std::string message);
  /// Reports `message` at the first of `names` that is set, unless one of them is broken.
  void require(bool condition, std::initializer_list<std::string_view> names, std::string message);

  void check_each_setting();
  void check_required();

  // Derived values; broker_config_derive.cpp.
  void derive();
  void derive_protocols();
  void derive_listeners();
  void derive_inter_broker_listener();
  void derive_quorum();

  // Kafka's rules across properties; broker_config_check.cpp.
  void check_together();
  void check_roles();
  void check_advertised();
  void check_security();
  void check_logs();
  void check_bounds();
};

}  // namespace moldau::config
