#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moldau/core/ids.hpp"
#include "moldau/core/result.hpp"

namespace moldau::storage {

/// `meta.properties` of a log directory: which cluster, node and directory it is. Keys that aren't known are kept.
struct meta_properties {
  int version = 1;
  std::string cluster_id;
  std::optional<broker_id> node_id;
  std::optional<moldau::directory_id> directory_id;
  std::vector<std::pair<std::string, std::string>> others;

  friend bool operator==(const meta_properties&, const meta_properties&) = default;

  /// Errors: `errc::malformed`, with a sentence.
  [[nodiscard]] static result<meta_properties> parse(std::string_view content);
  /// As Kafka writes it, in Java's properties form.
  [[nodiscard]] std::string encode() const;
};

}  // namespace moldau::storage
