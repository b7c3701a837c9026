#include "peer/versions.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace moldau::peer {

versions versions::from(const wire::protocol::api_versions_response& response) {
  versions out;
  for (const auto& api : response.api_keys) out.apis_[api.api_key] = {api.min_version, api.max_version};
  return out;
}

result<std::int16_t> versions::choose(std::int16_t api_key, std::string_view api_name, version_range ours) const {
  const auto found = apis_.find(api_key);
  if (found == apis_.end()) {
    return fail(errc::unsupported_version, fmt::format("the broker doesn't offer {}", api_name));
  }
  const auto& theirs = found->second;
  const std::int16_t most = std::min(theirs.most, ours.most);
  if (most < std::max(theirs.least, ours.least)) {
    return fail(errc::unsupported_version,
                fmt::format("the broker offers {} in versions {} to {}, this call needs {} to {}", api_name,
                            theirs.least, theirs.most, ours.least, ours.most));
  }
  return most;
}

}  // namespace moldau::peer
