#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "moldau/core/result.hpp"
#include "wire/protocol/api_versions_response.hpp"

namespace moldau::peer {

struct version_range {
  std::int16_t least = 0;
  std::int16_t most = -1;

  friend bool operator==(const version_range&, const version_range&) = default;
};

/// What the other side said that it speaks. A value; not changed once the connection is open.
class versions {
 public:
  versions() = default;
  [[nodiscard]] static versions from(const wire::protocol::api_versions_response& response);

  /// The highest version that both sides know.
  /// Errors: `errc::unsupported_version` with a sentence that names the API.
  [[nodiscard]] result<std::int16_t> choose(std::int16_t api_key, std::string_view api_name, version_range ours) const;
  [[nodiscard]] const std::map<std::int16_t, version_range>& apis() const { return apis_; }

 private:
  std::map<std::int16_t, version_range> apis_;
};

}  // namespace moldau::peer
